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

// assertion makes of the claims what they say of the person.
func (p *Provider) assertion(ctx context.Context, c Client, t Tokens, token *oidc.IDToken, all claims) (*Assertion, error) {
	a := &Assertion{Token: t.ID, Issuer: p.Issuer.URL, Subject: token.Subject, Expires: token.Expiry.Add(leeway)}
	if p.Issuer.Entra {
		if err := p.entra(a, all); err != nil {
			return nil, err
		}
	}
	a.AuthTime, _ = all.time("auth_time")
	email, name := c.claim("email", "email"), c.claim("groups", cmp.Or(c.GroupsClaim, "groups"))
	var overage bool
	if a.Groups, a.GroupsSent, overage = all.groups(name); overage {
		a.Warnings = append(a.Warnings, GroupsOverage)
	}
	if lacks := c.lacks(all, email) || !a.GroupsSent && !overage; lacks && p.document.UserInfoURL != "" && !p.Issuer.Entra {
		// Entra ID's userinfo has neither groups nor an e-mail address that counts.
		more, err := p.userInfo(ctx, t, token.Subject)
		if err != nil {
			return nil, err
		}
		if more == nil {
			a.Warnings = append(a.Warnings, UserInfoUnreachable)
		}
		all = all.with(more)
		if !a.GroupsSent && !overage {
			a.Groups, a.GroupsSent, _ = all.groups(name)
		}
	}
	// What the provider says of the claim email it does not say of another one.
	a.Email, a.EmailVerified = all.text(email), email == "email" && p.vouches(all)
	a.FirstName, a.LastName = all.text(c.claim("first_name", "given_name")), all.text(c.claim("last_name", "family_name"))
	a.DisplayName = all.displayName()
	if from, ok := c.Mapping["display_name"]; ok {
		a.DisplayName = all.text(from)
	}
	a.Attributes = all.attributes()
	return a, nil
}

// entra reads what names a person at Entra ID for good: the tenant, which is the issuer's own, and the
// object id. sub is another one at each client, and no directory knows it.
func (p *Provider) entra(a *Assertion, all claims) error {
	if tenant := all.text("tid"); !strings.EqualFold(tenant, p.Issuer.Tenant) {
		return refuse(TokenWrongTenant, p.Issuer.Tenant, "tid "+tenant)
	}
	if a.Subject = all.text("oid"); !tenantID.MatchString(a.Subject) {
		return refuse(TokenMissingObject, "oid", "none")
	}
	return nil
}

// vouches tells whether the provider says that the e-mail address is the person's. Entra ID lets
// administrators of any tenant write any address into a person's mail; xms_edov says that the domain
// is the tenant's own. Google knows of any address that somebody confirmed once; hd says that the
// account is the company's.
func (p *Provider) vouches(all claims) bool {
	switch {
	case p.Issuer.Entra:
		return all.yes("xms_edov")
	case p.Issuer.URL == google:
		return all.yes("email_verified") && all.text("hd") != ""
	}
	return all.yes("email_verified")
}

// with adds what userinfo says beside. An e-mail address comes with the word on whether it is
// verified from the same place.
func (c claims) with(more claims) claims {
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

// userInfo asks for the claims that are not in the ID token (OpenID Connect Core, section 5.3). They
// are nil when there is no answer that can be read.
func (p *Provider) userInfo(ctx context.Context, t Tokens, subject string) (claims, error) {
	status, body, err := fetch(ctx, p.client, p.document.UserInfoURL, http.Header{"Authorization": {"Bearer " + t.access}})
	var more claims
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &more) != nil {
		return nil, nil
	}
	// Section 5.3.4: or the access token of somebody else would lend their e-mail address and groups.
	if got := more.text("sub"); got != subject {
		return nil, refuse(UserInfoSubject, "the sub of the ID token", "another one")
	}
	return more, nil
}
