package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// keySize is what AES-256 takes.
const keySize = 32

// maxNumber is the largest number that a setting may be.
const maxNumber = 1_000_000

// parse reads text into a field by the field's type. The error says what is wrong and what to
// write instead, and repeats the text only where it cannot be a secret.
func parse(text string, field any) (err error) {
	switch f := field.(type) {
	case *string:
		*f = text
	case *Secret:
		*f = Secret(text)
	case *int:
		if *f, err = strconv.Atoi(text); err != nil || *f < 0 || *f > maxNumber {
			err = fmt.Errorf("%.20q is not a whole number from 0 to %d", text, maxNumber)
		}
	case *Keys:
		*f, err = parseKeys(text)
	case **url.URL:
		// The text is not repeated: it may carry a password.
		if *f, err = url.Parse(text); err != nil {
			err = errors.New("is not a URL; write https://rollcall.example.com with your own host")
		}
	case *[]netip.Prefix:
		*f, err = parsePrefixes(text)
	case *Reach:
		*f, err = parseReach(text)
	case *[]netip.AddrPort:
		*f, err = parseServers(text)
	default:
		err = fmt.Errorf("a setting cannot be a %T", field)
	}
	return err
}

func parseKeys(text string) (Keys, error) {
	var keys Keys
	for i, item := range strings.Split(text, ",") {
		item = strings.TrimRight(strings.TrimSpace(item), "=")
		item = strings.NewReplacer("-", "+", "_", "/").Replace(item)
		key, err := base64.RawStdEncoding.DecodeString(item)
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("key %d is not 32 bytes in base64; "+
				"write what this prints: openssl rand -base64 32", i+1)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func parsePrefixes(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, item := range strings.Split(text, ",") {
		item = strings.TrimSpace(item)
		if addr, err := netip.ParseAddr(item); err == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			return nil, fmt.Errorf("%s is a single address; write %s/%d", item, addr, addr.BitLen())
		}
		p, err := netip.ParsePrefix(item)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q is not a CIDR; write them like 10.0.0.0/8, 2001:db8::/32", item)
		case p.Addr().Is4In6():
			return nil, fmt.Errorf("%s is an IPv4 range in IPv6 clothes; write it like 10.0.0.0/8", item)
		case p != p.Masked():
			return nil, fmt.Errorf("%s has bits behind its length; write %s", item, p.Masked())
		}
		all = append(all, p)
	}
	return all, nil
}

// Reach is where requests to addresses that customers enter may go besides public addresses.
type Reach struct {
	Networks []netip.Prefix // private ones, also over http
	Hosts    []string       // host:port, for webhooks at a port of their own
}

// parseReach reads CIDRs and entries of the form host:port.
func parseReach(text string) (r Reach, err error) {
	var networks []string
	for _, item := range strings.Split(text, ",") {
		item = strings.TrimSpace(item)
		host, port, err := net.SplitHostPort(item)
		if err != nil || strings.Contains(item, "/") {
			networks = append(networks, item)
			continue
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" {
			return r, fmt.Errorf("%q has no port from 1 to 65535; write a host like hooks.example.com:9443", item)
		}
		r.Hosts = append(r.Hosts, strings.ToLower(item))
	}
	if len(networks) > 0 {
		r.Networks, err = parsePrefixes(strings.Join(networks, ","))
	}
	return r, err
}

// dnsPort is where a DNS server listens (RFC 1035, section 4.2).
const dnsPort = 53

func parseServers(text string) ([]netip.AddrPort, error) {
	var all []netip.AddrPort
	for _, item := range strings.Split(text, ",") {
		item = strings.TrimSpace(item)
		server, err := netip.ParseAddrPort(item)
		if address, bare := netip.ParseAddr(item); bare == nil {
			server, err = netip.AddrPortFrom(address, dnsPort), nil
		}
		if err != nil || server.Port() == 0 {
			return nil, fmt.Errorf(
				"%q is not the address of a DNS server; write them like 192.0.2.53 or [2001:db8::53]:5353", item)
		}
		all = append(all, server)
	}
	return all, nil
}
