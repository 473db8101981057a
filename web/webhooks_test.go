package web_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

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
