package web

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"rollcall/model/organization"
)

const (
	dnsAttempts = 2
	dnsTime     = 5 * time.Second // for one exchange
	dnsPacket   = 1232            // bytes over UDP that no network splits
	typeDNAME   = dnsmessage.Type(39)
)

// askTXT asks one DNS server. The standard library does it as well, but does not tell under which
// names the records stand.
func askTXT(ctx context.Context, server, name string) (organization.TXTRecords, error) {
	var none organization.TXTRecords
	rooted, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil {
		return none, fmt.Errorf("name of a DNS record: %w", err)
	}
	q := dnsmessage.Question{Name: rooted, Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET}
	for _, network := range []string{"udp", "tcp"} {
		p, h, err := exchangeDNS(ctx, network, server, q)
		switch {
		case err != nil:
			return none, err
		case h.Truncated:
			continue
		case h.RCode == dnsmessage.RCodeNameError:
			return none, nil
		case h.RCode != dnsmessage.RCodeSuccess:
			return none, fmt.Errorf("the DNS server answers %s", h.RCode)
		}
		answers, err := p.AllAnswers()
		if err != nil {
			return none, fmt.Errorf("read DNS answer: %w", err)
		}
		if len(answers) == 0 && !h.Authoritative && !h.RecursionAvailable {
			return none, errors.New("the DNS server refers to others")
		}
		return readTXT(lowerName(q.Name), answers), nil
	}
	return none, errors.New("the DNS answer is truncated")
}

// exchangeDNS sends a question and returns a parser of the response, which stands at its answers.
func exchangeDNS(ctx context.Context, network, server string, q dnsmessage.Question) (
	p dnsmessage.Parser, h dnsmessage.Header, err error) {
	ctx, cancel := context.WithTimeout(ctx, dnsTime)
	defer cancel()
	id, query, err := packQuestion(q)
	if err != nil {
		return p, h, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, server)
	if err != nil {
		return p, h, fmt.Errorf("reach DNS server: %w", err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if network == "tcp" {
		query = append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
	}
	if _, err = conn.Write(query); err != nil {
		return p, h, fmt.Errorf("ask DNS server: %w", err)
	}
	for {
		response, err := readDNS(conn, network)
		if err != nil {
			return p, h, fmt.Errorf("read from DNS server: %w", err)
		}
		var fits bool
		if p, h, fits = answersTo(q, id, response); fits {
			return p, h, nil
		}
		if network == "tcp" {
			return p, h, errors.New("the DNS server answers another question")
		} // over UDP it may be forged: the true one may still come
	}
}

func packQuestion(q dnsmessage.Question) (id uint16, query []byte, err error) {
	var random [2]byte
	_, _ = rand.Read(random[:]) // it never fails
	id = binary.BigEndian.Uint16(random[:])
	var opt dnsmessage.ResourceHeader
	if err := opt.SetEDNS0(dnsPacket, dnsmessage.RCodeSuccess, false); err != nil {
		return 0, nil, fmt.Errorf("write DNS question: %w", err)
	}
	m := dnsmessage.Message{
		Header:      dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions:   []dnsmessage.Question{q},
		Additionals: []dnsmessage.Resource{{Header: opt, Body: &dnsmessage.OPTResource{}}},
	}
	if query, err = m.Pack(); err != nil {
		return 0, nil, fmt.Errorf("write DNS question: %w", err)
	}
	return id, query, nil
}

func readDNS(conn net.Conn, network string) ([]byte, error) {
	if network == "udp" {
		b := make([]byte, dnsPacket)
		n, err := conn.Read(b)
		return b[:n], err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(conn, b)
	return b, err
}

// answersTo tells whether a message is the response to a question.
func answersTo(q dnsmessage.Question, id uint16, response []byte) (
	p dnsmessage.Parser, h dnsmessage.Header, fits bool) {
	h, err := p.Start(response)
	if err != nil || h.ID != id || !h.Response {
		return p, h, false
	}
	asked, err := p.AllQuestions()
	fits = err == nil && len(asked) == 1 && asked[0].Type == q.Type && asked[0].Class == q.Class &&
		lowerName(asked[0].Name) == lowerName(q.Name)
	return p, h, fits
}

// readTXT divides the TXT records of an answer into those of the name itself and those of the name
// that it is an alias of. It leaves out those of any other name.
func readTXT(name string, answers []dnsmessage.Resource) organization.TXTRecords {
	aliases, texts, below := map[string]string{}, map[string][]string{}, false
	for _, a := range answers {
		owner := lowerName(a.Header.Name)
		if a.Header.Class != dnsmessage.ClassINET {
			continue
		}
		switch body := a.Body.(type) {
		case *dnsmessage.CNAMEResource:
			aliases[owner] = lowerName(body.CNAME)
		case *dnsmessage.TXTResource:
			texts[owner] = append(texts[owner], strings.Join(body.TXT, ""))
		}
		below = below || a.Header.Type == typeDNAME && strings.HasSuffix(name, "."+owner)
	}
	last := name
	for range len(aliases) { // not more, for aliases in a circle
		if next, ok := aliases[last]; ok {
			last = next
		}
	}
	if _, alias := aliases[name]; alias || below {
		return organization.TXTRecords{Alias: texts[last]}
	}
	return organization.TXTRecords{Own: texts[last]}
}

// lowerName folds the letters of ASCII only, as DNS does.
func lowerName(n dnsmessage.Name) string {
	b := []byte(n.String())
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
