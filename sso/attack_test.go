package sso_test

import (
	"crypto/x509"
	"errors"
	"slices"
	"testing"
	"time"

	"rollcall/sso/saml"
)

// attack makes one message that must not sign anybody in, and says why it is refused.
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

// acs posts a response and tells whether it signed somebody in, or why not.
type acs func(t *testing.T, response string) (reason string, ok bool)

// begin starts a sign-in: it returns the response that completes it and where that is posted.
func begin(t *testing.T) (genuine, acs) {
	const (
		idp      = "https://idp.contoso.example/"
		acsURL   = "https://rollcall.example/sso/saml/con_1/acs"
		audience = "https://rollcall.example/sso/saml/con_1/metadata"
		request  = "_request"
	)
	now := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	g := newGenuine(t, now, idp, acsURL, audience, request)
	return g, func(t *testing.T, response string) (string, bool) {
		t.Helper()
		sp := saml.SP{EntityID: audience, ACSURL: acsURL}
		provider := saml.IDP{EntityID: idp, Certificates: []*x509.Certificate{g.certificate}}
		_, err := sp.Verify(provider, response, saml.Expect{RequestID: request, Now: now})
		if refused, ok := errors.AsType[*saml.Refused](err); ok {
			return string(refused.Reason), false
		}
		return "", err == nil
	}
}

func TestGenuineResponsesAreAccepted(t *testing.T) {
	g, post := begin(t)
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			if reason, ok := post(t, posted(text(t, g.signed(p)))); !ok {
				t.Errorf("refused: %s", reason)
			}
		})
	}
}

func TestAttacksAreRefused(t *testing.T) {
	g, post := begin(t)
	tried := map[string]int{}
	for _, a := range attacks() {
		tried[a.class]++
		t.Run(a.class+"/"+a.name, func(t *testing.T) {
			start := time.Now()
			reason, ok := post(t, a.make(g))
			if ok {
				t.Fatal("it signs somebody in")
			}
			if reason != string(a.want) {
				t.Errorf("refused for %q, want %q", reason, a.want)
			}
			// Far above what a slow machine needs, far below what the costly ones cost unchecked.
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
	t.Logf("attacks tried, by class: %v", tried)
}
