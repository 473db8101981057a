package web_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/web"
)

// TestPortsOfWebhooks refuses ports before it connects. What passes goes to an address of
// loopback, which is refused next: nothing is sent.
func TestPortsOfWebhooks(t *testing.T) {
	t.Parallel()
	o := web.NewOutbound(web.OutboundOptions{AllowHosts: []string{"127.0.0.1:9443", "[::1]:25"},
		Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	for address, passes := range map[string]bool{
		"https://127.0.0.1/":       true,
		"https://127.0.0.1:443/":   true,
		"https://127.0.0.1:8443/":  true,
		"https://127.0.0.1:9443/":  true,
		"https://[::1]:25/":        true,
		"https://127.0.0.2:9443/":  false,
		"https://127.0.0.1:25/":    false,
		"https://127.0.0.1:80/":    false,
		"http://127.0.0.1/":        false,
		"https://localhost:22/":    false,
		"https://127.0.0.1:6379/x": false,
	} {
		_, err := o.Webhooks().Get(address) //nolint:bodyclose // it never has an answer
		if err == nil || strings.Contains(err.Error(), "Webhooks go to the ports") == passes {
			t.Errorf("%s passes the ports: %t; %v", address, !passes, err)
		}
		// The other requests go to any port.
		_, err = o.Client().Get(address)
		if err == nil || strings.Contains(err.Error(), "Webhooks") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := o.Webhooks().CheckRedirect(nil, nil); err != http.ErrUseLastResponse {
		t.Errorf("redirects: %v", err)
	}
}

// TestWebhookAddressesAreChecked looks addresses up and connects to none.
func TestWebhookAddressesAreChecked(t *testing.T) {
	t.Parallel()
	dns := modeltest.NewDNS(t)
	address := func(name, text string) {
		a := netip.MustParseAddr(text)
		dns.SetRecords(name, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name + "."), Type: dnsmessage.TypeA,
				Class: dnsmessage.ClassINET, TTL: 60},
			Body: &dnsmessage.AResource{A: a.As4()}})
	}
	address("inside.example", "10.0.0.7")
	address("public.example", "8.8.8.8")
	o := web.NewOutbound(web.OutboundOptions{Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		AllowHosts: []string{"192.0.2.1:9000"},
		Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, dns.Address.String())
		}}})
	for address, refused := range map[string]string{
		"https://8.8.8.8/":              "",
		"https://public.example/hook":   "",
		"https://public.example:8443/":  "",
		"https://nowhere.example/":      "",
		"http://192.0.2.1:9000/":        "",
		"https://192.0.2.9/":            "",
		"https://192.0.2.1:9001/":       "ports 443 and 8443",
		"http://public.example:443/":    "not public",
		"https://inside.example/":       "not public",
		"https://127.0.0.1/":            "not public",
		"https://[::ffff:127.0.0.1]/":   "not public",
		"https://169.254.169.254/":      "not public",
		"https://u:p@public.example/":   "user name",
		"gopher://public.example/":      "https://",
		"https://":                      "not a URL",
		"https://public.example:port/":  "not a URL",
		"https://public.example:11211/": "ports 443 and 8443",
	} {
		err := o.CheckWebhook(t.Context(), address)
		if (err == nil) != (refused == "") || err != nil && (!strings.Contains(err.Error(), refused) ||
			model.KindOf(err) != model.Invalid) {
			t.Errorf("%s: %v, want %q", address, err, refused)
		}
	}
}
