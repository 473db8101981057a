package oidc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
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
	groups := c.claim("groups", cmp.Or(c.GroupsClaim, "groups"))
	var overage bool
	if a.Groups, a.GroupsSent, overage = all.groups(groups); overage {
		a.Warnings = append(a.Warnings, Warning{Reason: GroupsOverage})
	}
	// Entra ID's userinfo has neither groups nor an e-mail address that is confirmed.
	useful := p.document.userInfo+p.document.refusedUserInfo != "" && !p.Issuer.Entra
	if useful && p.lacks(c, all, !a.GroupsSent && !overage) {
		more, err := p.userInfo(ctx, t, token.Subject)
		if err := a.accept(err); err != nil {
			return nil, err
		}
		all = all.merge(more, c)
		if !a.GroupsSent && !overage {
			a.Groups, a.GroupsSent, _ = all.groups(groups)
		}
	}
	a.Warnings = append(a.Warnings, c.missing(all, overage)...)
	email := c.claim("email", "email")
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
		return refuse(TokenWrongTenant, "tid "+quote(p.Issuer.Tenant), "tid "+quote(tenant))
	}
	if a.Subject = all.text("oid"); !tenantID.MatchString(a.Subject) {
		return refuse(TokenMissingObject, "oid as a GUID", "oid "+quote(a.Subject))
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

// merge adds the claims of userinfo that all lacks. What userinfo says of an e-mail address counts
// only for the address that it names itself, and never against the ID token.
func (c claims) merge(more claims, client Client) claims {
	out := claims{}
	maps.Copy(out, more)
	switch {
	case !c.has("email") && more.has("email"):
		c = maps.Clone(c)
		delete(c, "email_verified")
	case c.has("email_verified") || !client.sameEmail(c.text("email"), more.text("email")):
		delete(out, "email_verified")
	}
	for name := range c {
		if c.has(name) {
			out[name] = c[name]
		}
	}
	return out
}

// missing notes the claims that the connection names and that nobody sent. A claim's name is often
// taken for a path.
func (c Client) missing(all claims, overage bool) (notes []Warning) {
	note := func(setting, name string) {
		if name == "" || all.has(name) || overage && strings.HasSuffix(setting, "groups") {
			return
		}
		received := fmt.Sprintf("%s names %s; these claims came: %s", setting, quote(name), quoted(all.names()))
		if first, rest, isPath := strings.Cut(name, "."); isPath && all.has(first) {
			received = fmt.Sprintf("%s names %s; the claim %s came, but a name is no path: have %s sent as a claim "+
				"of its own", setting, quote(name), quote(first), quote(rest))
		}
		notes = append(notes, Warning{Reason: ClaimMissing, Received: shorten(received)})
	}
	for _, member := range slices.Sorted(maps.Keys(c.Mapping)) {
		note("attribute_mapping."+member, c.Mapping[member])
	}
	if !overage {
		note("oidc.groups_claim", c.GroupsClaim)
	}
	return notes
}

// accept turns a failure of userinfo with which a login can go on into a warning. Any other is
// returned with the warnings of before.
func (a *Assertion) accept(err error) error {
	r, ok := errors.AsType[*Refused](err)
	switch {
	case ok && r.Reason == UserInfoUnreachable:
		a.Warnings = append(a.Warnings, Warning{r.Reason, r.Received})
		return nil
	case ok:
		r.Warnings = append(a.Warnings, r.Warnings...)
	}
	return err
}

// userInfo returns the claims of the userinfo endpoint (OpenID Connect Core, section 5.3). The
// error is a [*Refused].
func (p *Provider) userInfo(ctx context.Context, t Tokens, subject string) (claims, error) {
	if p.document.userInfo == "" {
		return nil, refuse(UserInfoUnreachable, "an https URL as userinfo_endpoint",
			"userinfo_endpoint "+quote(p.document.refusedUserInfo)+" is no https URL")
	}
	if t.access == "" {
		return nil, refuse(UserInfoUnreachable, "an access token", "the token endpoint sent no access_token for it")
	}
	header := http.Header{"Authorization": {"Bearer " + t.access}}
	got, err := fetch(ctx, p.client, p.document.userInfo, header)
	if err != nil {
		return nil, &Refused{Reason: UserInfoUnreachable, Expected: "claims", Received: describeNetwork(err), Err: err}
	}
	more, ok := got.object()
	if got.status != http.StatusOK || !ok {
		return nil, refuse(UserInfoUnreachable, "claims", got.describe())
	}
	// Section 5.3.4: otherwise another user's access token would bring that user's address and
	// groups.
	switch kind := more.kind("sub"); {
	case kind != "a text":
		return nil, refuse(UserInfoBadSubject, "sub as a text, the one of the ID token", "sub is "+kind)
	case more.exact("sub") != subject:
		return nil, refuse(UserInfoSubject, "the sub of the ID token, "+quote(subject), quote(more.exact("sub")))
	}
	return more, nil
}
