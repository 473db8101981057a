package signon

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
)

// codeTime is how long an authorization code may be exchanged.
const codeTime = time.Minute

// AuthorizationCode is the row of a code that was given to an application. It has the hash and not
// the code.
type AuthorizationCode struct {
	Hash           []byte               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	SessionID      string
	ApplicationID  string
	RedirectURI    string `gorm:"column:redirect_uri"`
	CodeChallenge  string
	Scope          string // see CodeRequest
	Nonce          string
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	ExpiresAt      model.Time
	UsedAt         *model.Time
}

// AccessToken is the row of a token that an application got for a code. It has the hash and not the
// token.
type AccessToken struct {
	Hash           []byte               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	SessionID      string
	ApplicationID  string
	CodeHash       []byte
	Scope          string     // that of the code
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	ExpiresAt      model.Time
}

// CodeRequest is what an application wants a code for.
type CodeRequest struct {
	ApplicationID string
	RedirectURI   string
	CodeChallenge string // S256; empty when the application sent none (RFC 7636)
	// Scope is what an application asked for at the OpenID provider, and Nonce goes into its ID
	// token. At /sso/authorize there is no scope: it marks at which of the two token endpoints a
	// code is good.
	Scope, Nonce string
}

// HandOver creates a code for an application from a live session. The error is a *refusal.Error
// under the same conditions as at SignIn.
func (o Org) HandOver(ctx context.Context, in *SignedIn, r CodeRequest) (code string, err error) {
	err = o.Tx(ctx, func(org Org) error {
		g, err := organization.In(org).Organization(ctx)
		if err != nil {
			return err
		}
		code, err = org.createCode(ctx, g, &in.User, &in.Session, r)
		return err
	})
	return code, err
}

// createCode creates the code with which an application learns who signed in. It refuses an
// application that no longer serves the organization, and a redirect_uri that the application no
// longer has. It also refuses a user whose stored e-mail address is outside the verified domains of
// the organization, unless an operator has allowed that: a hostile organization could otherwise
// take over an application that knows people by address (docs/design/identity.md, "Disclosure").
// The statements that read a code or a token check the address and the application again.
func (o Org) createCode(
	ctx context.Context, g *organization.Organization, u *people.User, s *people.Session, r CodeRequest,
) (string, error) {
	if err := o.checkApplication(ctx, u, r.ApplicationID, r.RedirectURI); err != nil {
		return "", err
	}
	if !u.EmailUnder(g.Domains) && !g.AllowProfilesOutsideOrganization {
		return "", &refusal.Error{Reason: refusal.ProfileOutside, UserID: u.ID,
			Expected: "a user whose e-mail address is under a verified domain of the organization",
			Received: describeEmail(u.Email)}
	}
	row := AuthorizationCode{SessionID: s.ID, ApplicationID: r.ApplicationID, RedirectURI: r.RedirectURI,
		CodeChallenge: r.CodeChallenge, Scope: r.Scope, Nonce: r.Nonce, CreatedAt: tenant.Now(o),
		ExpiresAt: tenant.Now(o) + model.Time(codeTime.Milliseconds())}
	code, hash, _ := tenant.NewToken("rc_code_")
	row.Hash = hash
	if err := tenant.DB(ctx, o).Create(&row).Error; err != nil {
		return "", fmt.Errorf("create code: %w", err)
	}
	return code, nil
}

// checkApplication refuses an application that no longer serves the organization, and a
// redirect_uri that was removed while the person signed in: the address may have another owner by
// now.
func (o Org) checkApplication(ctx context.Context, u *people.User, application, redirectURI string) error {
	a, err := organization.InsideStore(tenant.InsideStore(o)).ApplicationIn(across.ReadIn(ctx, o), application)
	if err == nil && !a.Redirects(redirectURI) {
		return &refusal.Error{Reason: refusal.RedirectURIWithdrawn, UserID: u.ID,
			Expected: "one of the application's redirect_uris", Received: redirectURI}
	}
	serves := false
	if err == nil {
		serves, err = organization.InsideStore(tenant.InsideStore(o)).ReachesIn(across.ReadIn(ctx, o), a.Scope(), o.ID)
	}
	if err == nil && !serves || model.KindOf(err) == model.NotFound {
		return &refusal.Error{Reason: refusal.ApplicationWithdrawn, UserID: u.ID,
			Expected: "an application that serves the organization", Received: model.ApplicationPrefix.ID(application)}
	}
	return err
}

// Redemption is what an application sends to exchange a code.
type Redemption struct {
	ApplicationID string
	Code          string
	RedirectURI   *string // nil when it was not sent
	CodeVerifier  string  // RFC 7636, section 4.5
}

// errCodeRefused is the same for every code that cannot be exchanged, so that a thief of a code
// learns nothing from it.
func errCodeRefused() error {
	return model.Invalidf("code", "the code is unknown, was used or has expired, "+
		"or was made for another application, redirect_uri or code_verifier")
}

// RedeemCode exchanges a code for an access token, once. When a code comes again, it may have been
// stolen, so that the token of the first exchange is revoked (RFC 6749, section 4.1.2). The error
// is Invalid when the code cannot be exchanged.
func (s Store) RedeemCode(ctx context.Context, r Redemption) (in *SignedIn, token string, err error) {
	hash := tenant.HashToken(r.Code)
	var codes []AuthorizationCode
	if err := across.Read(ctx, s).Where("hash = ?", hash).Limit(1).Find(&codes).Error; err != nil {
		return nil, "", tenant.Translate(s, fmt.Errorf("read code: %w", err))
	}
	if len(codes) == 0 || codes[0].ApplicationID != r.ApplicationID || codes[0].Scope != "" {
		return nil, "", errCodeRefused()
	}
	c := codes[0]
	org := In(s.Org(c.OrganizationID, model.System))
	now := model.TimeOf(s.Now())
	if c.UsedAt == nil && (c.ExpiresAt <= now || !r.matches(c)) {
		return nil, "", errCodeRefused()
	}
	t := AccessToken{SessionID: c.SessionID, ApplicationID: c.ApplicationID, CodeHash: hash, CreatedAt: now}
	err = org.Tx(ctx, func(org Org) error {
		in, token, err = s.exchangeCode(ctx, org, &t)
		return err
	})
	if errors.Is(err, errCodeUsed) {
		if err := org.revokeTokensOf(ctx, hash); err != nil {
			return nil, "", err
		}
		return nil, "", errCodeRefused()
	}
	if err != nil {
		return nil, "", err
	}
	return in, token, nil
}

// exchangeCode marks the code as used, finds its session and makes the token, in the transaction of
// org.
func (s Store) exchangeCode(ctx context.Context, org Org, t *AccessToken) (in *SignedIn, token string, err error) {
	used := tenant.DB(ctx, org).Model(&AuthorizationCode{}).
		Where("hash = ? AND used_at IS NULL", t.CodeHash).UpdateColumn("used_at", t.CreatedAt)
	if used.Error != nil {
		return nil, "", fmt.Errorf("use code: %w", used.Error)
	}
	if used.RowsAffected == 0 {
		return nil, "", errCodeUsed
	}
	in, err = s.readSession(across.In(ctx, org), sessionByCode, t.CodeHash, t.CreatedAt, t.CreatedAt)
	if model.KindOf(err) == model.Denied {
		return nil, "", errCodeRefused()
	}
	if err != nil {
		return nil, "", err
	}
	t.ExpiresAt = in.Session.ExpiresAt
	token, t.Hash, err = newTracedToken(s, "rc_at_", trace{organization: string(org.ID), user: in.User.ID,
		session: in.Session.ID, application: t.ApplicationID, at: t.CreatedAt})
	if err != nil {
		return nil, "", err
	}
	if err := tenant.DB(ctx, org).Create(t).Error; err != nil {
		return nil, "", fmt.Errorf("create access token: %w", err)
	}
	return in, token, nil
}

// errCodeUsed ends the transaction of RedeemCode when another request has used the code.
var errCodeUsed = errors.New("the code was used")

// revokeTokensOf deletes the tokens that were issued for a code.
func (o Org) revokeTokensOf(ctx context.Context, code []byte) error {
	if err := tenant.DB(ctx, o).Where("code_hash = ?", code).Delete(&AccessToken{}).Error; err != nil {
		return tenant.Translate(o, fmt.Errorf("revoke tokens: %w", err))
	}
	return nil
}

// matches tells whether the redirect_uri and the verifier are those of the code.
func (r Redemption) matches(c AuthorizationCode) bool {
	if r.RedirectURI != nil && *r.RedirectURI != c.RedirectURI {
		return false
	}
	if c.CodeChallenge == "" {
		return r.CodeVerifier == "" // RFC 9700, section 2.1.1: a verifier without a challenge is a downgrade
	}
	sum := sha256.Sum256([]byte(r.CodeVerifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])),
		[]byte(c.CodeChallenge)) == 1
}
