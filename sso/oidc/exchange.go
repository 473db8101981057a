package oidc

import (
	"context"
	"errors"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Tokens are what a code is exchanged for.
type Tokens struct {
	ID     string // the ID token
	access string
}

// Exchange exchanges a code for tokens (OpenID Connect Core, section 3.1.3).
func (p *Provider) Exchange(ctx context.Context, c Client, code string, s Secret) (Tokens, error) {
	ctx = oidc.ClientContext(ctx, direct(p.client))
	got, err := p.config(c).Exchange(ctx, code, oauth2.VerifierOption(s.verifier()))
	if !p.posts.Load() && errorCode(err) == "invalid_client" {
		// The client may be registered for client_secret_post. No code is used up by whom the provider
		// does not know.
		p.posts.Store(true)
		if got, err = p.config(c).Exchange(ctx, code, oauth2.VerifierOption(s.verifier())); errorCode(err) == "invalid_client" {
			p.posts.Store(false)
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

// errorCode is the code of RFC 6749, section 5.2; empty for other errors.
func errorCode(err error) string {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return e.ErrorCode
	}
	return ""
}

func exchangeError(err error) error {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return &Refused{Reason: TokenUnreachable, Expected: "tokens for the code", Received: "no answer that could be read", Err: err}
	}
	received := e.ErrorCode
	if e.ErrorDescription != "" {
		received += ": " + e.ErrorDescription
	}
	// The error itself is not kept: it has the answer's body, in which there may be tokens.
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

// ReadAnswer returns the code of an answer that the browser brings back, or says why there is none.
func (p *Provider) ReadAnswer(answer url.Values) (code string, err error) {
	// RFC 9207, section 2.4: in a mix-up attack the code is of another provider, which must not get it.
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
