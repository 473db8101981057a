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
	// leeway is how long past its end a token is accepted.
	leeway = time.Minute
	// skew is how far the provider's clock may be ahead.
	skew = 2 * time.Minute
	// backdated is how long before it was asked for a token may seem issued: Entra ID dates its own
	// back by five minutes.
	backdated = 10 * time.Minute
	// maxSubject is what OpenID Connect Core, section 2, allows a sub.
	maxSubject = 255
)

// Expect is what an ID token must fit.
type Expect struct {
	Secret Secret    // of the login
	Begun  time.Time // when the login began
	Now    time.Time
}

// Assertion is what a provider vouches for.
type Assertion struct {
	Token    string // the ID token, which RP-initiated logout hands back
	Issuer   string
	Subject  string    // Entra: the object id
	Expires  time.Time // when the ID token is refused for its age
	AuthTime time.Time // zero when the provider does not say

	Email         string
	EmailVerified bool // as this provider's word for it counts
	FirstName     string
	LastName      string
	DisplayName   string
	Groups        []string
	GroupsSent    bool                // a claim that is missing says nothing of the groups
	Attributes    map[string][]string // all claims but those of the protocol
	Warnings      []Reason            // what was put up with
}

// header is a token's, as far as it decides before a key is looked at.
type header struct {
	Algorithm string          `json:"alg"`
	Critical  json.RawMessage `json:"crit"`
}

// precheck refuses a token for its header. go-oidc would refuse all of them in one word.
func precheck(token string) error {
	if len(token) > maxToken {
		return refuse(TokenTooLarge, "at most 64 KiB", "more")
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
		return refuse(TokenMalformed, "a JSON Web Token in compact form", fmt.Sprintf("%d parts", len(parts)))
	case strings.EqualFold(h.Algorithm, "none"):
		return refuse(TokenUnsigned, "a signature", "alg none")
	case strings.HasPrefix(strings.ToUpper(h.Algorithm), "HS"):
		return refuse(TokenSymmetric, "a signature by the provider's own key, such as RS256", h.Algorithm)
	case !slices.Contains(algorithms, h.Algorithm):
		return refuse(TokenAlgorithm, strings.Join(algorithms, ", "), h.Algorithm)
	case h.Critical != nil: // RFC 7515, section 4.1.11
		return refuse(TokenCritical, "no header crit", string(h.Critical))
	case parts[2] == "":
		return refuse(TokenUnsigned, "a signature", "none")
	}
	return nil
}

// Verify tells what tokens mean, or why they are not believed. It is *Refused then.
func (p *Provider) Verify(ctx context.Context, c Client, t Tokens, e Expect) (*Assertion, error) {
	if err := precheck(t.ID); err != nil {
		return nil, err
	}
	// The library's own checks of claims tell what was wrong only in English, so they are made below.
	keys := &boundKeys{keySet: p.keys, now: e.Now}
	token, err := oidc.NewVerifier(p.Issuer.URL, keys, &oidc.Config{
		SupportedSigningAlgs: algorithms, SkipClientIDCheck: true, SkipExpiryCheck: true, SkipIssuerCheck: true,
	}).Verify(ctx, t.ID)
	if keys.refused != nil {
		return nil, keys.refused
	}
	if err != nil {
		return nil, &Refused{Reason: TokenMalformed, Expected: "the claims of an ID token", Err: err}
	}
	var all claims
	if err := token.Claims(&all); err != nil {
		return nil, &Refused{Reason: TokenMalformed, Expected: "a JSON object of claims", Err: err}
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

// checkParties is about who issued the token, about whom, and to whom.
func (p *Provider) checkParties(c Client, token *oidc.IDToken, all claims) error {
	if token.Issuer != p.Issuer.URL {
		return refuse(TokenWrongIssuer, p.Issuer.URL, token.Issuer)
	}
	switch azp, several := all.text("azp"), len(token.Audience) > 1; {
	case token.Subject == "":
		return refuse(TokenMissingClaim, "sub", "none")
	case utf8.RuneCountInString(token.Subject) > maxSubject || strings.TrimSpace(token.Subject) != token.Subject:
		return refuse(TokenBadSubject, "a sub of at most 255 characters without space around it", token.Subject)
	case !slices.Contains(token.Audience, c.ID):
		return refuse(TokenAudience, c.ID, strings.Join(token.Audience, ", "))
	case several && azp == "":
		return refuse(TokenMissingAZP, "azp "+c.ID, "several audiences without azp: "+strings.Join(token.Audience, ", "))
	case all.has("azp") && azp != c.ID:
		return refuse(TokenWrongAZP, c.ID, azp)
	}
	return nil
}

func checkTimes(token *oidc.IDToken, all claims, e Expect) error {
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	notBefore, dated := all.time("nbf")
	switch {
	case !all.has("exp") || !all.has("iat"):
		return refuse(TokenMissingClaim, "exp and iat", "a token without")
	case !e.Now.Before(token.Expiry.Add(leeway)):
		return refuse(TokenExpired, "exp after "+stamp(e.Now), stamp(token.Expiry))
	case token.IssuedAt.After(e.Now.Add(skew)):
		return refuse(TokenFuture, "iat before "+stamp(e.Now), stamp(token.IssuedAt))
	case token.IssuedAt.Before(e.Begun.Add(-backdated)):
		return refuse(TokenOld, "iat after "+stamp(e.Begun), stamp(token.IssuedAt))
	case dated && notBefore.After(e.Now.Add(skew)):
		return refuse(TokenNotYet, "nbf before "+stamp(e.Now), stamp(notBefore))
	}
	return nil
}

// checkBinding is about this login: its nonce, and the access token that came beside.
func checkBinding(token *oidc.IDToken, t Tokens, s Secret) error {
	switch {
	case token.Nonce == "":
		return refuse(TokenMissingNonce, "the nonce of the login", "none")
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(s.nonce())) != 1:
		return refuse(TokenWrongNonce, "the nonce of the login", "another one")
	case token.AccessTokenHash != "" && token.VerifyAccessToken(t.access) != nil:
		return refuse(TokenWrongHash, "the hash of the access token", "another one")
	}
	return nil
}
