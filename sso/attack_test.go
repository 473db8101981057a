package sso_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"rollcall/model/connection"
	"rollcall/model/modeltest"
	"rollcall/model/store"
	"rollcall/sso/saml"
)

// attack makes a message that must not sign anybody in, and names the reason of the refusal.
type attack struct {
	class, name string
	make        func(g genuine) string // the value of SAMLResponse
	want        saml.Reason
}

// attacks are all that can be made from one response. What needs several requests, browsers or
// connections is tested with the pages that serve them.
func attacks() []attack {
	return slices.Concat(wrappings(), signatureGames, xmlGames, meanings)
}

// target is a server, and an identity provider of which the attacks have the key.
type target struct {
	*world
	posts int
}

func newTarget(t *testing.T) *target {
	return &target{world: newWorld(t, modeltest.SQLite(t), store.Options{})}
}

// begin starts a login in a new browser. It returns the response that would complete the login, and
// a function that posts a response and returns the reason of the refusal. The reason is empty when
// the login succeeded.
func (x *target) begin(t *testing.T) (genuine, func(t *testing.T, response string) (reason string)) {
	t.Helper()
	b := x.browser()
	_, request, relayState := request(t, b.get(x.sp(x.connection, "/login")))
	g := newGenuine(t, x.clock.Now(), x.connection.IDPEntityID, x.sp(x.connection, "/acs"),
		x.sp(x.connection, "/metadata"), request)
	_, err := connection.In(x.org).UpdateConnection(t.Context(), x.connection.ID,
		func(c *connection.ConnectionFields) error {
			c.IDPCertificates = []string{pemOf(g.certificate)}
			return nil
		})
	must(t, err)
	return g, func(t *testing.T, response string) string {
		t.Helper()
		x.posts++ // each from an address of its own, or the log keeps only some
		b.address = netip.AddrFrom4([4]byte{198, 18, byte(x.posts >> 8), byte(x.posts)}).String()
		before := len(x.log(x.tenant))
		a := b.post(x.sp(x.connection, "/acs"), url.Values{"SAMLResponse": {response}, "RelayState": {relayState}})
		reasons := x.log(x.tenant)
		switch {
		case a.status == http.StatusSeeOther:
			return ""
		case a.status != http.StatusForbidden:
			t.Fatalf("answered with %d: %s", a.status, a.body)
		case len(a.header.Values("Set-Cookie")) > 0:
			t.Error("a refusal sets a cookie")
		case len(reasons) != min(before+1, 100):
			t.Fatalf("the log has %d lines after %d", len(reasons), before)
		}
		if _, page, _ := strings.Cut(a.body, "<main>"); strings.Contains(page, reasons[0]) {
			t.Errorf("the browser is told the reason: %s", page)
		}
		return reasons[0]
	}
}

func TestGenuineResponsesAreAccepted(t *testing.T) {
	t.Parallel()
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			g, post := newTarget(t).begin(t)
			if reason := post(t, posted(text(t, g.signed(p)))); reason != "" {
				t.Errorf("refused: %s", reason)
			}
		})
	}
}

func TestAttacksAreRefused(t *testing.T) {
	t.Parallel()
	x := newTarget(t)
	g, post := x.begin(t)
	tried := map[string]int{}
	for _, a := range attacks() {
		tried[a.class]++
		t.Run(a.class+"/"+a.name, func(t *testing.T) {
			switch reason := post(t, a.make(g)); reason {
			case string(a.want):
			case "":
				t.Fatal("it signs somebody in")
			default:
				t.Errorf("refused for %q, want %q", reason, a.want)
			}
		})
	}
	t.Logf("attacks tried, by class: %v", tried)
	if reason := post(t, posted(text(t, g.signed(places[0])))); reason != "" {
		t.Errorf("after all of them the genuine response is refused: %s", reason)
	}
}
