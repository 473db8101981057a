package oidc

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// assertion reads the claims about the person, and asks userinfo for those that the token lacks.
func (p *Provider) assertion(
	ctx context.Context, c Client, t Tokens, token *oidc.IDToken, all claims,
) (*Assertion, error) {
	a := &Assertion{Token: t.ID, Issuer: p.Issuer.URL, Subject: token.Subject, Expires: token.Expiry.Add(leeway)}
	if p.Issuer.Entra {
		if err := p.entraSubject(a, all); err != nil {
			return nil, err
		}
	}
	a.AuthTime, _ = all.time("auth_time")
	email, name := c.claim("email", "email"), c.claim("groups", cmp.Or(c.GroupsClaim, "groups"))
	var overage bool
	if a.Groups, a.GroupsSent, overage = all.groups(name); overage {
		a.Warnings = append(a.Warnings, GroupsOverage)
	}
	// Entra ID's userinfo has neither groups nor an e-mail address that is confirmed.
	useful := p.document.UserInfoURL != "" && !p.Issuer.Entra
	if useful && (c.lacks(all, email) || !a.GroupsSent && !overage) {
		more, err := p.userInfo(ctx, t, token.Subject)
		if err != nil {
			return nil, err
		}
		if more == nil {
			a.Warnings = append(a.Warnings, UserInfoUnreachable)
		}
		all = all.merge(more)
		if !a.GroupsSent && !overage {
			a.Groups, a.GroupsSent, _ = all.groups(name)
		}
	}
	// email_verified is about the claim email, and not about another claim with an address.
	a.Email, a.EmailVerified = all.text(email), email == "email" && p.confirmsEmail(all)
	a.FirstName = all.text(c.claim("first_name", "given_name"))
	a.LastName = all.text(c.claim("last_name", "family_name"))
	a.DisplayName = all.displayName()
	if from, ok := c.Mapping["display_name"]; ok {
		a.DisplayName = all.text(from)
	}
	a.Attributes = all.attributes()
	return a, nil
}

// entraSubject sets the lasting identifier of an Entra ID account: its object id, in the tenant of
// the issuer. Entra's sub differs for each client, and directories do not have it.
func (p *Provider) entraSubject(a *Assertion, all claims) error {
	if tenant := all.text("tid"); !strings.EqualFold(tenant, p.Issuer.Tenant) {
		return refuse(TokenWrongTenant, p.Issuer.Tenant, "tid "+tenant)
	}
	if a.Subject = all.text("oid"); !tenantID.MatchString(a.Subject) {
		return refuse(TokenMissingObject, "oid", "none")
	}
	return nil
}

// confirmsEmail reports whether the provider confirms that the e-mail address is the person's. At
// Entra ID, administrators of any tenant can give a user any address; only xms_edov says that the
// domain belongs to the tenant. Google confirms any address that was verified once; only hd says
// that the account belongs to a company.
func (p *Provider) confirmsEmail(all claims) bool {
	switch {
	case p.Issuer.Entra:
		return all.isTrue("xms_edov")
	case p.Issuer.URL == google:
		return all.isTrue("email_verified") && all.text("hd") != ""
	}
	return all.isTrue("email_verified")
}

// merge adds the claims of userinfo that c lacks. email and email_verified are always taken from
// the same source.
func (c claims) merge(more claims) claims {
	out := claims{}
	maps.Copy(out, more)
	if c.has("email") {
		delete(out, "email_verified")
	} else if more.has("email") {
		c = maps.Clone(c)
		delete(c, "email_verified")
	}
	maps.Copy(out, c)
	return out
}

// userInfo returns the claims of the userinfo endpoint (OpenID Connect Core, section 5.3), or nil
// if no answer can be read.
func (p *Provider) userInfo(ctx context.Context, t Tokens, subject string) (claims, error) {
	header := http.Header{"Authorization": {"Bearer " + t.access}}
	status, body, err := fetch(ctx, p.client, p.document.UserInfoURL, header)
	var more claims
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &more) != nil {
		return nil, nil
	}
	// Section 5.3.4: otherwise another user's access token would bring that user's address and
	// groups.
	if got := more.text("sub"); got != subject {
		return nil, refuse(UserInfoSubject, "the sub of the ID token", "another one")
	}
	return more, nil
}
