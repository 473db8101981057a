package oidc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Tokens are the tokens that the provider returns for a code. They are not verified yet.
type Tokens struct {
	ID     string // the ID token
	access string // the access token, for userinfo; some providers send none
}

// maxTokenAnswer is the largest answer of a token endpoint that is read, in bytes.
const maxTokenAnswer = 1 << 20

// listener is the transport of one exchange. It keeps the answer, as the library's errors do not
// say what came. It also corrects the type of JSON: by text/plain, which some providers write, the
// library would read a form.
type listener struct {
	next http.RoundTripper
	got  *answer // of the last request; nil if none came whole
}

// RoundTrip sends a request and reads its answer.
func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	l.got = nil
	w, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	got, err := readAnswer(w, maxTokenAnswer)
	_ = w.Body.Close()
	if err != nil {
		return nil, err
	}
	if got.isObject() {
		w.Header = w.Header.Clone()
		w.Header.Set("Content-Type", "application/json")
	}
	l.got, w.Body, w.ContentLength = got, io.NopCloser(bytes.NewReader(got.body)), int64(len(got.body))
	return w, nil
}

// listen returns a client that follows no redirect, and what listens to its answers.
func listen(client *http.Client) (*http.Client, *listener) {
	c := withoutRedirects(client)
	l := &listener{next: c.Transport}
	if l.next == nil {
		l.next = http.DefaultTransport
	}
	c.Transport = l
	return c, l
}

// Exchange exchanges a code for tokens (OpenID Connect Core, section 3.1.3). The error is a
// [*Refused].
func (p *Provider) Exchange(ctx context.Context, c Client, code string, s Secret) (Tokens, error) {
	client, heard := listen(p.client)
	ctx = oidc.ClientContext(ctx, client)
	got, err := p.config(c).Exchange(ctx, code, oauth2.VerifierOption(s.verifier()))
	if !p.secretInBody.Load() && refusesClient(err) {
		// The client may be registered for client_secret_post. A provider that does not accept the
		// client does not use up the code either.
		p.secretInBody.Store(true)
		got, err = p.config(c).Exchange(ctx, code, oauth2.VerifierOption(s.verifier()))
		if refusesClient(err) {
			p.secretInBody.Store(false)
		}
	}
	if err != nil {
		return heard.instead(err)
	}
	t := Tokens{access: got.AccessToken}
	t.ID, _ = got.Extra("id_token").(string)
	if t.ID == "" {
		return Tokens{}, refuse(NoIDToken, "an id_token beside the access token", heard.got.describe())
	}
	return t, nil
}

// instead returns the tokens of an answer that the library does not accept: the ID token alone can
// do. Otherwise it returns the refusal.
func (l *listener) instead(err error) (Tokens, error) {
	if _, refused := errors.AsType[*oauth2.RetrieveError](err); !refused && l.got != nil {
		members, _ := l.got.object()
		if t := (Tokens{ID: members.text("id_token"), access: members.text("access_token")}); t.ID != "" {
			return t, nil
		}
	}
	return Tokens{}, l.refusal(err)
}

// refusesClient reports whether the token endpoint does not accept the client's authentication (RFC
// 6749, section 5.2). Some providers answer 401 without a code that says so.
func refusesClient(err error) bool {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	return ok && (e.ErrorCode == "invalid_client" ||
		e.ErrorCode == "" && e.Response.StatusCode == http.StatusUnauthorized)
}

// refusal returns the *Refused for an error of the token endpoint.
func (l *listener) refusal(err error) error {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !ok && l.got == nil:
		return &Refused{Reason: TokenUnreachable, Expected: "an answer of the token endpoint",
			Received: describeNetwork(err), Err: err}
	case !ok:
		// The error itself is not kept: it may quote the answer, which may contain tokens.
		return refuse(TokenAnswer, "a JSON object with id_token and access_token", l.got.describe())
	}
	received := reported(e.ErrorCode, e.ErrorDescription)
	if e.ErrorCode == "" {
		received = l.got.describe()
	}
	switch {
	case e.ErrorCode == "unauthorized_client", refusesClient(err):
		return refuse(ClientRefused, "the client's id and secret to be accepted", received)
	case e.ErrorCode == "invalid_grant":
		return refuse(CodeRefused, "the code to be accepted", received)
	}
	return refuse(TokenError, "tokens for the code", received)
}

// reported is an error of OAuth 2.0 as the login log shows it: the code, and the description where
// there is one. ErrorCode reads it.
func reported(code, description string) string {
	if description == "" {
		return code
	}
	return code + ": " + description
}

// Codes are the errors that the specifications define for the answers of an authorization endpoint
// and of a token endpoint: RFC 6749, sections 4.1.2.1 and 5.2, OpenID Connect Core, section
// 3.1.2.6, RFC 7009, 8707, 9396, 9449 and 9470, and OpenID Connect Unmet Authentication
// Requirements.
var Codes = []string{
	"access_denied", "account_selection_required", "consent_required", "insufficient_user_authentication",
	"interaction_required", "invalid_authorization_details", "invalid_client", "invalid_dpop_proof",
	"invalid_grant", "invalid_request", "invalid_request_object", "invalid_request_uri", "invalid_scope",
	"invalid_target", "login_required", "registration_not_supported", "request_not_supported",
	"request_uri_not_supported", "server_error", "temporarily_unavailable", "unauthorized_client",
	"unmet_authentication_requirements", "unsupported_grant_type", "unsupported_response_type",
	"use_dpop_nonce",
}

// Reported returns the refusal for an error that the browser brings back, and nil if the answer has
// none. known tells whether the answer came to a browser of ours; from any other it may be
// anybody's text, so that only a code that is defined is taken.
func Reported(answer url.Values, known bool) error {
	code, description := answer.Get("error"), answer.Get("error_description")
	switch {
	case code == "":
		return nil
	case !known && !slices.Contains(Codes, code):
		code, description = "an error whose code OAuth 2.0 does not define", ""
	case !known:
		description = ""
	}
	return refuse(ProviderError, "a code", reported(code, description))
}

// ReadAnswer returns the code from the parameters that the browser brings back (OpenID Connect
// Core, section 3.1.2.5). The error is a [*Refused].
func (p *Provider) ReadAnswer(answer url.Values) (code string, err error) {
	// RFC 9207, section 2.4: in a mix-up attack the code comes from another provider, and an
	// attacker wants it sent to this one.
	issuer := answer.Get("iss")
	if issuer != "" && issuer != p.Issuer.URL {
		return "", refuse(WrongResponseIss, "iss "+quote(p.Issuer.URL), "iss "+quote(issuer))
	}
	// An error is told even without iss: it lets nobody in, and says more.
	if err := Reported(answer, true); err != nil {
		return "", err
	}
	if issuer == "" && p.document.namesIssuer {
		return "", refuse(MissingResponseIss, "iss "+quote(p.Issuer.URL), "no iss")
	}
	if code = answer.Get("code"); code == "" {
		names := slices.Sorted(maps.Keys(answer))
		return "", refuse(NoCode, "the parameter code", "neither code nor error; the parameters are "+quoted(names))
	}
	return code, nil
}
