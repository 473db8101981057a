package oidc

import (
	"context"
	"errors"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Tokens are the tokens that the provider returns for a code. They are not verified yet.
type Tokens struct {
	ID     string // the ID token
	access string // the access token, for userinfo
}

// Exchange exchanges a code for tokens (OpenID Connect Core, section 3.1.3). The error is a
// [*Refused].
func (p *Provider) Exchange(ctx context.Context, c Client, code string, s Secret) (Tokens, error) {
	ctx = oidc.ClientContext(ctx, withoutRedirects(p.client))
	got, err := p.config(c).Exchange(ctx, code, oauth2.VerifierOption(s.verifier()))
	if !p.secretInBody.Load() && errorCode(err) == "invalid_client" {
		// The client may be registered for client_secret_post. A provider that does not accept the
		// client does not use up the code either.
		p.secretInBody.Store(true)
		got, err = p.config(c).Exchange(ctx, code, oauth2.VerifierOption(s.verifier()))
		if errorCode(err) == "invalid_client" {
			p.secretInBody.Store(false)
		}
	}
	if err != nil {
		return Tokens{}, exchangeError(err)
	}
	t := Tokens{access: got.AccessToken}
	t.ID, _ = got.Extra("id_token").(string)
	if t.ID == "" {
		return Tokens{}, refuse(NoIDToken, "an ID token beside the access token", "none")
	}
	return t, nil
}

// errorCode returns the error code of RFC 6749, section 5.2. It is empty for other errors.
func errorCode(err error) string {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return e.ErrorCode
	}
	return ""
}

// exchangeError returns the *Refused for an error of the token endpoint.
func exchangeError(err error) error {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return &Refused{
			Reason: TokenUnreachable, Expected: "tokens for the code", Received: "no answer that could be read",
			Err: err,
		}
	}
	received := e.ErrorCode
	if e.ErrorDescription != "" {
		received += ": " + e.ErrorDescription
	}
	// The error itself is not kept: it has the body of the answer, which may contain tokens.
	switch e.ErrorCode {
	case "invalid_client", "unauthorized_client":
		return refuse(ClientRefused, "the client's id and secret to be accepted", received)
	case "invalid_grant":
		return refuse(CodeRefused, "the code to be accepted", received)
	case "":
		received = e.Response.Status
	}
	return refuse(TokenError, "tokens for the code", received)
}

// ReadAnswer returns the code from the parameters that the browser brings back (OpenID Connect
// Core, section 3.1.2.5). The error is a [*Refused].
func (p *Provider) ReadAnswer(answer url.Values) (code string, err error) {
	// RFC 9207, section 2.4: in a mix-up attack the code comes from another provider, and an
	// attacker wants it sent to this one.
	switch issuer := answer.Get("iss"); {
	case issuer != "" && issuer != p.Issuer.URL:
		return "", refuse(WrongResponseIss, p.Issuer.URL, issuer)
	case issuer == "" && p.document.NamesIssuer:
		return "", refuse(MissingResponseIss, "iss "+p.Issuer.URL, "none")
	}
	if name := answer.Get("error"); name != "" {
		if description := answer.Get("error_description"); description != "" {
			name += ": " + description
		}
		return "", refuse(ProviderError, "a code", name)
	}
	if code = answer.Get("code"); code == "" {
		return "", refuse(NoCode, "a code", "neither a code nor an error")
	}
	return code, nil
}
