package oidc_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"net/url"
	"testing"
	"time"

	"rollcall/sso/oidc"
)

// BenchmarkVerify verifies an ID token with a key that has been fetched before.
func BenchmarkVerify(b *testing.B) {
	now, secret := time.Unix(1_800_000_000, 0), oidc.NewSecret()
	client := oidc.Client{ID: "client", RedirectURI: "https://rollcall.example/callback"}
	var p *oidc.Provider
	p = provider(b, "https://idp.example", nil, func() map[string]any {
		at, err := url.Parse(p.AuthenticationURL(client, oidc.Request{Secret: secret}))
		if err != nil {
			b.Error(err)
		}
		return map[string]any{"iss": "https://idp.example", "aud": "client", "sub": "1", "iat": now.Unix(),
			"exp":   now.Unix() + 60,
			"nonce": at.Query().Get("nonce"), "email": "ada@contoso.example", "email_verified": true,
			"groups": []string{"Engineering", "Everyone"}}
	})
	tokens, err := p.Exchange(b.Context(), client, "code", secret)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		_, err := p.Verify(b.Context(), client, tokens, oidc.Expect{Secret: secret, Begun: now, Now: now})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSignature measures the least cost of a verification: one RSA signature.
func BenchmarkSignature(b *testing.B) {
	sum := sha256.Sum256([]byte("a token"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key(), crypto.SHA256, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := rsa.VerifyPKCS1v15(&key().PublicKey, crypto.SHA256, sum[:], signature); err != nil {
			b.Fatal(err)
		}
	}
}
