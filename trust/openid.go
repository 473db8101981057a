package trust

import (
	"context"
	"errors"
	"strings"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/sso/oidc"
)

// OpenID is what an administrator says about an OpenID provider, and about the client that this
// server is there. What is nil was not said.
type OpenID struct {
	Issuer       *string
	Discovery    *string // the address of the discovery document, in place of the issuer
	ClientID     *string
	ClientSecret *string
	Scopes       *[]string
	GroupsClaim  *string
}

// fieldIssuer is the field that refusals name.
const fieldIssuer = "oidc.issuer"

// OpenID reads a description of an OpenID provider for a connection of the given type. Where it
// names an issuer, that provider must publish a discovery document that can be used. OpenID answers
// model.Invalid, with the field of the API, when the description cannot be used.
func (r *Reader) OpenID(ctx context.Context, said OpenID, of *connection.Connection) (Change, error) {
	if said.Discovery != nil {
		issuer, err := r.issuerAt(ctx, model.Trimmed(*said.Discovery), of.Type)
		if err != nil {
			return nil, err
		}
		said.Issuer = &issuer
	} else if said.Issuer != nil {
		issuer := model.Trimmed(*said.Issuer)
		said.Issuer = &issuer
		if err := r.discover(ctx, *said.Issuer, of.Type); err != nil {
			return nil, err
		}
	}
	return func(c *connection.ConnectionFields) error {
		moved := said.Issuer != nil && *said.Issuer != c.IDPEntityID
		set(&c.IDPEntityID, said.Issuer)
		set(&c.OIDCClientID, said.ClientID)
		set(&c.OIDCGroupsClaim, said.GroupsClaim)
		set(&c.OIDCScopes, said.Scopes)
		if said.ClientSecret != nil {
			return connection.Across(r.Store).SealClientSecret(of.ID, c, *said.ClientSecret)
		}
		if moved && len(c.OIDCClientSecret) > 0 {
			// An administrator who may change the issuer must not have the secret sent to a
			// provider of their own.
			return model.Invalidf("oidc.client_secret",
				"oidc.client_secret is required with another issuer: it is the other provider's")
		}
		return nil
	}, nil
}

// ParseIssuer reads the issuer of a connection of the given type.
func ParseIssuer(text, connectionType string) (oidc.Issuer, error) {
	return oidc.ParseIssuer(text, connectionType == connection.EntraOIDC)
}

// issuerAt returns the issuer of the discovery document at an address. A document must be where its
// own issuer has it (OpenID Connect Discovery, section 4), so that the address says all of the
// issuer but whether it ends with a slash.
func (r *Reader) issuerAt(ctx context.Context, address, connectionType string) (string, error) {
	issuer, ok := strings.CutSuffix(address, "/.well-known/openid-configuration")
	if !ok {
		return "", model.Invalidf(fieldIssuer, "this is not the address of a discovery document; it ends with "+
			"/.well-known/openid-configuration")
	}
	err := r.discover(ctx, issuer, connectionType)
	if other, isRefused := errors.AsType[*oidc.Refused](err); isRefused && other.Reason == oidc.DiscoveryIssuer &&
		r.discover(ctx, issuer+"/", connectionType) == nil {
		return issuer + "/", nil
	}
	return issuer, err
}

// discover demands that an OpenID provider has this issuer and can be used.
func (r *Reader) discover(ctx context.Context, text, connectionType string) error {
	issuer, err := ParseIssuer(text, connectionType)
	if err == nil && r.Outbound == nil {
		return model.Invalidf(fieldIssuer, "this server fetches nothing, so that no OpenID provider can be asked")
	}
	if err == nil {
		_, err = oidc.Discover(ctx, r.Outbound.Client(), issuer)
	}
	return unusable(err)
}

// unusable turns a refusal of package oidc into an error about the issuer. It quotes what was
// received only where that is a part of a discovery document: the answer of any other address is
// not for the administrator to read.
func unusable(err error) error {
	r, ok := errors.AsType[*oidc.Refused](err)
	if !ok {
		return err
	}
	message := openIDAdvice[r.Reason]
	switch r.Reason {
	case oidc.DiscoveryIssuer, oidc.DiscoveryBadAddress, oidc.DiscoveryNoCode, oidc.DiscoveryNoAlgorithm:
		message += " It says: " + r.Received
	case oidc.DiscoveryIncomplete:
		message += " There is no " + r.Expected + "."
	case oidc.DiscoveryUnreachable:
		if message += " What failed: " + r.Received + "."; r.Received == "" {
			message = openIDAdvice[r.Reason]
		}
		if guarded, isGuard := errors.AsType[*model.Error](r.Err); isGuard {
			message = guarded.Message
		}
	}
	return &model.Error{Kind: model.Invalid, Field: fieldIssuer, Message: message, Err: err}
}
