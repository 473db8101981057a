package sso_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"rollcall/model"
	"rollcall/model/organization"
)

// TestGoOIDC signs a person in by coreos/go-oidc and x/oauth2, as an application in Go would, by
// each of the two algorithms.
func TestGoOIDC(t *testing.T) {
	t.Parallel()
	w := one(t).refreshing()
	for _, algorithm := range []string{organization.SignRS256, organization.SignES256} {
		w.changeApp(func(a *organization.ApplicationFields) { a.IDTokenAlgorithm = algorithm })
		ctx := oidc.ClientContext(t.Context(), &http.Client{Transport: w.transport})
		provider, err := oidc.NewProvider(ctx, w.url)
		must(t, err)
		config := oauth2.Config{ClientID: w.clientID(), ClientSecret: w.secret, Endpoint: provider.Endpoint(),
			RedirectURL: callback, Scopes: []string{oidc.ScopeOpenID, "email", oidc.ScopeOfflineAccess}}
		verifier := oauth2.GenerateVerifier()
		location := config.AuthCodeURL("a state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("a nonce"),
			oauth2.SetAuthURLParam("connection", model.ConnectionPrefix.ID(w.connection.ID)))
		token, err := config.Exchange(ctx, w.browser().signInAt(location).code(t), oauth2.VerifierOption(verifier))
		must(t, err)
		raw, _ := token.Extra("id_token").(string)
		verified, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: w.clientID(), Now: w.clock.Now}).
			Verify(ctx, raw)
		must(t, err)
		var said struct{ Email string }
		must(t, verified.Claims(&said))
		if said.Email != ada(w.tenant).UserName || verified.Nonce != "a nonce" ||
			verified.VerifyAccessToken(token.AccessToken) != nil {
			t.Errorf("%s: %+v %+v", algorithm, verified, said)
		}
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil || info.Subject != verified.Subject || !info.EmailVerified {
			t.Errorf("%s: %v %+v", algorithm, err, info)
		}
		w.clock.Advance(time.Minute)
		expired := &oauth2.Token{RefreshToken: token.RefreshToken}
		next, err := config.TokenSource(ctx, expired).Token()
		if err != nil || next.RefreshToken == token.RefreshToken || next.AccessToken == token.AccessToken {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}
