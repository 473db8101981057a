package provider

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"rollcall/model"
	"rollcall/model/grant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// The scopes (OpenID Connect Core, section 5.4).
const (
	ScopeOpenID  = "openid"
	scopeProfile = "profile"
	scopeEmail   = "email"
)

const (
	// idTokenTime is how long an ID token is good. It only says who signed in, at the moment when
	// the application gets it.
	idTokenTime = time.Hour
	// maxGroups is how many groups an ID token names. Some applications keep it in a cookie.
	maxGroups = 100
)

// claims are the members of an ID token or of userinfo.
type claims map[string]any

// claimNames are the claims that this provider can tell.
func claimNames() []string {
	return []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "sid", "amr", "at_hash",
		"organization_id", "organization_name", "connection_id", "profile_id", "role", "groups", "groups_omitted",
		"accounts", "permissions", "email", "email_verified", "name", "given_name", "family_name",
		"preferred_username", "updated_at"}
}

// setText adds a claim that has a value.
func (c claims) setText(name, value string) {
	if value != "" {
		c[name] = value
	}
}

// userClaims says who a user is. sub is the member of the organization, which stays the same when
// its e-mail address or its identity provider changes.
func userClaims(g *grant.Grant) (claims, error) {
	d, err := g.User.Parse()
	if err != nil {
		return nil, err
	}
	c := claims{"sub": model.UserPrefix.ID(g.User.ID)}
	c["organization_id"] = model.OrganizationPrefix.ID(string(g.Session.OrganizationID))
	c["organization_name"], c["role"] = g.OrganizationName, g.User.Role
	c["profile_id"] = model.ProfilePrefix.ID(g.Identity.ID)
	if g.Session.ConnectionID != "" {
		c["connection_id"] = model.ConnectionPrefix.ID(g.Session.ConnectionID)
	}
	c["groups"], c["accounts"], c["permissions"] = g.Groups, g.Accounts, permissions(g)
	if hasScope(g, scopeEmail) && g.User.Email != "" {
		c["email"], c["email_verified"] = g.User.Email, g.EmailVerified
	}
	if hasScope(g, scopeProfile) {
		c.setText("name", d.FormattedName())
		c.setText("given_name", d.Name.GivenName)
		c.setText("family_name", d.Name.FamilyName)
		c.setText("preferred_username", g.User.UserName)
		c["updated_at"] = g.User.UpdatedAt.Time().Unix()
	}
	return c, nil
}

// hasScope tells whether a scope was granted.
func hasScope(g *grant.Grant, scope string) bool {
	return slices.Contains(strings.Fields(g.Scope), scope)
}

// permissions are those of all groups of a user, each once.
func permissions(g *grant.Grant) []string {
	out := []string{}
	for _, a := range g.Accounts {
		for _, group := range a.Groups {
			out = append(out, group.Permissions...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// idToken are the claims of the ID token that goes with an access token.
func (s *Server) idToken(a *organization.Application, t *grant.Tokens) (claims, error) {
	c, err := userClaims(t.Grant)
	if err != nil {
		return nil, err
	}
	if a.IDTokenClaims == organization.ClaimsMinimal {
		c = claims{"sub": c["sub"]}
	} else if len(t.Groups) > maxGroups {
		delete(c, "groups")
		c["groups_omitted"] = true
	}
	now := s.Store.Now()
	end := now.Add(idTokenTime)
	if session := t.Session.ExpiresAt.Time(); session.Before(end) {
		end = session
	}
	c["iss"], c["aud"] = s.Issuer(), model.ApplicationPrefix.ID(a.ID)
	c["iat"], c["exp"], c["auth_time"] = now.Unix(), end.Unix(), t.AuthenticatedAt().Unix()
	c["sid"] = model.SessionPrefix.ID(t.Session.ID)
	c.setText("nonce", t.Nonce)
	if t.Session.Method() == people.ByPassword {
		c["amr"] = []string{"pwd"} // RFC 8176
	}
	sum := sha256.Sum256([]byte(t.Access)) // OpenID Connect Core, section 3.1.3.6
	c["at_hash"] = base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	return c, nil
}

// Granted are those of the scopes that are known here, each once and in one order. Others are left
// out (RFC 6749, section 3.3).
func Granted(scopes []string) string {
	var out []string
	for _, known := range scopesSupported() {
		if slices.Contains(scopes, known) {
			out = append(out, known)
		}
	}
	return strings.Join(out, " ")
}

func scopesSupported() []string {
	return []string{ScopeOpenID, scopeProfile, scopeEmail, grant.ScopeOffline}
}
