package oidc

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	// maxToken is the largest ID token that is read, in bytes.
	maxToken = 64 << 10
	// leeway is how long after its exp a token is still accepted.
	leeway = time.Minute
	// skew is how far the provider's clock may be ahead.
	skew = 2 * time.Minute
	// backdated is how long before the login began the iat of a token may be: Entra ID sets iat
	// five minutes back.
	backdated = 10 * time.Minute
	// maxSubject is how many characters OpenID Connect Core, section 2, allows in a sub.
	maxSubject = 255
)

// Expect is what an ID token is checked against.
type Expect struct {
	Secret Secret    // of the login
	Begun  time.Time // when the login began
	Now    time.Time // the time of the check
}

// Assertion is the content of a verified ID token, with the claims of userinfo.
type Assertion struct {
	Token    string    // the ID token itself, which a logout at the provider passes as a hint
	Issuer   string    // the provider's issuer
	Subject  string    // the lasting identifier of the account: sub, at Entra ID the object id
	Expires  time.Time // from then on the ID token is refused as too old
	AuthTime time.Time // when the person authenticated; zero if the provider does not say

	Email         string
	EmailVerified bool // the provider confirms the address in a way that counts for this provider
	FirstName     string
	LastName      string
	DisplayName   string
	Groups        []string
	GroupsSent    bool                // there was a groups claim; without one, Groups means nothing
	Attributes    map[string][]string // all claims except those of the protocol
	Warnings      []Warning           // faults that did not make the login fail
}

// header has the fields of a token's header that are checked before a key is used.
type header struct {
	Algorithm string          `json:"alg"`
	Critical  json.RawMessage `json:"crit"`
}

// precheck checks the header of a token. go-oidc would refuse all faults with the same error.
func precheck(token string) error {
	if len(token) > maxToken {
		return refuse(TokenTooLarge, "an ID token of at most 64 KiB", fmt.Sprintf("one of %d KiB", len(token)>>10))
	}
	parts := strings.Split(token, ".")
	if len(parts) == 5 { // RFC 7516, section 7.1
		return refuse(TokenEncrypted, "a token that is signed only", "one in five parts")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[0])
	var h header
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	switch {
	case err != nil || len(parts) != 3:
		return refuse(TokenMalformed, "a JSON Web Token in compact form: three parts with dots between",
			fmt.Sprintf("%d parts", len(parts)))
	case strings.EqualFold(h.Algorithm, "none"):
		return refuse(TokenUnsigned, "a signature", "alg none")
	case strings.HasPrefix(strings.ToUpper(h.Algorithm), "HS"):
		return refuse(TokenSymmetric, "a signature by the provider's own key, such as RS256", "alg "+quote(h.Algorithm))
	case !slices.Contains(algorithms, h.Algorithm):
		return refuse(TokenAlgorithm, "alg "+strings.Join(algorithms, ", "), "alg "+quote(h.Algorithm))
	case h.Critical != nil: // RFC 7515, section 4.1.11
		return refuse(TokenCritical, "no header crit", "crit "+string(h.Critical))
	case parts[2] == "":
		return refuse(TokenUnsigned, "a signature", "a token whose third part is empty")
	}
	return nil
}

// Verify verifies the ID token as OpenID Connect Core, section 3.1.3.7, requires and returns its
// content. It may fetch the provider's keys and userinfo. The error is a [*Refused].
func (p *Provider) Verify(ctx context.Context, c Client, t Tokens, e Expect) (*Assertion, error) {
	if err := precheck(t.ID); err != nil {
		return nil, err
	}
	// The library reports a wrong claim only as an English text. We need a Reason, so the library's
	// checks of claims are switched off and made below.
	keys := &boundKeys{keySet: p.keys, now: e.Now}
	token, err := oidc.NewVerifier(p.Issuer.URL, keys, &oidc.Config{
		SupportedSigningAlgs: algorithms, SkipClientIDCheck: true, SkipExpiryCheck: true, SkipIssuerCheck: true,
	}).Verify(ctx, t.ID)
	if keys.refused != nil {
		return nil, keys.refused
	}
	if err != nil {
		return nil, misread(t.ID, err)
	}
	var all claims
	if err := token.Claims(&all); err != nil {
		return nil, misread(t.ID, err)
	}
	for _, check := range []error{
		p.checkParties(c, token, all), checkTimes(token, all, e), checkBinding(token, t, e.Secret),
	} {
		if check != nil {
			return nil, check
		}
	}
	return p.assertion(ctx, c, t, token, all)
}

// misread is the refusal of a token whose claims the library does not read. It names the claim that
// has another JSON type than it must have (OpenID Connect Core, section 2).
func misread(token string, err error) error {
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	var all claims
	if json.Unmarshal(payload, &all) != nil || all == nil {
		return &Refused{Reason: TokenMalformed, Expected: "a JSON object of claims",
			Received: "a payload that is none", Err: err}
	}
	for _, c := range []struct{ name, types string }{
		{"iss", "a text"}, {"sub", "a text"}, {"aud", "a text or a list"}, {"exp", "a number"}, {"iat", "a number"},
		{"nbf", "a number"}, {"nonce", "a text"}, {"at_hash", "a text"},
		{"_claim_names", "an object"}, {"_claim_sources", "an object"},
	} {
		if kind := all.kind(c.name); kind != "missing" && !strings.Contains(c.types, kind) {
			return &Refused{Reason: TokenClaimType, Expected: c.name + " as " + c.types,
				Received: c.name + " is " + kind, Err: err}
		}
	}
	return &Refused{Reason: TokenMalformed, Expected: "the claims of an ID token",
		Received: "claims of which one has a type that cannot be read: " + shorten(quoted(all.names())), Err: err}
}

// checkParties checks issuer, subject, audience and authorized party.
func (p *Provider) checkParties(c Client, token *oidc.IDToken, all claims) error {
	if token.Issuer != p.Issuer.URL {
		return refuse(TokenWrongIssuer, "iss "+quote(p.Issuer.URL), "iss "+quote(token.Issuer))
	}
	switch azp, several := all.text("azp"), len(token.Audience) > 1; {
	case token.Subject == "":
		return refuse(TokenMissingClaim, "the claim sub", "no sub; these claims came: "+quoted(all.names()))
	case utf8.RuneCountInString(token.Subject) > maxSubject || strings.TrimSpace(token.Subject) != token.Subject:
		return refuse(TokenBadSubject, "a sub of at most 255 characters without space around it",
			"sub "+quote(token.Subject))
	case !slices.Contains(token.Audience, c.ID):
		return refuse(TokenAudience, "aud "+quote(c.ID), "aud "+quoted(token.Audience))
	case several && azp == "":
		return refuse(TokenMissingAZP, "azp "+quote(c.ID), "no azp, and aud "+quoted(token.Audience))
	case all.has("azp") && azp != c.ID:
		return refuse(TokenWrongAZP, "azp "+quote(c.ID), "azp "+quote(azp))
	}
	return nil
}

// checkTimes checks exp, iat and nbf.
func checkTimes(token *oidc.IDToken, all claims, e Expect) error {
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	notBefore, dated := all.time("nbf")
	switch {
	case !all.has("exp") || !all.has("iat"):
		return refuse(TokenMissingClaim, "the claims exp and iat", "these claims came: "+quoted(all.names()))
	case !e.Now.Before(token.Expiry.Add(leeway)):
		return refuse(TokenExpired, "exp after "+stamp(e.Now), "exp "+stamp(token.Expiry))
	case token.IssuedAt.After(e.Now.Add(skew)):
		return refuse(TokenFuture, "iat before "+stamp(e.Now), "iat "+stamp(token.IssuedAt))
	case token.IssuedAt.Before(e.Begun.Add(-backdated)):
		return refuse(TokenOld, "iat after "+stamp(e.Begun), "iat "+stamp(token.IssuedAt))
	case dated && notBefore.After(e.Now.Add(skew)):
		return refuse(TokenNotYet, "nbf before "+stamp(e.Now), "nbf "+stamp(notBefore))
	}
	return nil
}

// checkBinding checks that the token belongs to this login and to the access token: the nonce and
// at_hash.
func checkBinding(token *oidc.IDToken, t Tokens, s Secret) error {
	switch {
	case token.Nonce == "":
		return refuse(TokenMissingNonce, "the nonce of the login", "no nonce")
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(s.nonce())) != 1:
		return refuse(TokenWrongNonce, "the nonce of the login", "another nonce")
	case t.access != "" && token.AccessTokenHash != "" && token.VerifyAccessToken(t.access) != nil:
		return refuse(TokenWrongHash, "at_hash of the access token", "another at_hash")
	}
	return nil
}
