package signon

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
)

// What a sign-in opens is found by a secret before the organization is known.
// Each statement here is bounded by that secret's hash, joins only rows of one
// organization, and demands that the session lives: one place decides when
// access has ended (docs/design/identity.md, "Ended access").

// codeTime is how long an authorization code may be exchanged.
const codeTime = time.Minute

// AuthorizationCode is a code that was handed to an application.
type AuthorizationCode struct {
	Hash           []byte               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	SessionID      string
	ApplicationID  string
	RedirectURI    string `gorm:"column:redirect_uri"`
	CodeChallenge  string
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	ExpiresAt      model.Time
	UsedAt         *model.Time
}

// AccessToken is a token that an application got for a code.
type AccessToken struct {
	Hash           []byte               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	SessionID      string
	ApplicationID  string
	CodeHash       []byte
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	ExpiresAt      model.Time
}

// SignedIn is a live session with whose it is.
type SignedIn struct {
	Session people.Session
	User    people.User // without its document's values and its version
	// Identity is that of the session; after a password it is the user's first, and one with the
	// user's own id where an identity provider never vouched for them.
	Identity       people.Identity
	ConnectionType string // empty after a password
}

// signedIn reads whom a secret opens. It answers Denied when it opens nothing, without telling why.
func (s Store) signedIn(db *gorm.DB, query string, args ...any) (*SignedIn, error) {
	var rows []signedInRow
	if err := db.Raw(query, args...).Scan(&rows).Error; err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read session: %w", err))
	}
	if len(rows) == 0 || rows[0].idle(model.TimeOf(s.Now())) {
		return nil, model.Deniedf("the session is unknown or has ended")
	}
	return rows[0].signedIn(), nil
}

// SessionByToken returns the live session of a browser by its cookie's value. It
// answers Denied when there is none, or none any more.
func (s Store) SessionByToken(ctx context.Context, token string) (*SignedIn, error) {
	in, err := s.signedIn(across.Read(ctx, s), sessionByCookie, tenant.HashToken(token), model.TimeOf(s.Now()))
	if err != nil {
		return nil, err
	}
	return s.used(ctx, in), nil
}

// SessionByAccessToken returns the live session that an application's access
// token was issued for. It answers Denied when there is none, or none any more,
// when the application does not serve the organization any more, and while it
// may not be told of the person: see Org.HandOver.
func (s Store) SessionByAccessToken(ctx context.Context, token string) (*SignedIn, error) {
	now := model.TimeOf(s.Now())
	in, err := s.signedIn(across.Read(ctx, s), sessionByAccessToken, tenant.HashToken(token), now, now)
	if err != nil {
		return nil, err
	}
	return s.used(ctx, in), nil
}

// endReplaced ends the session that a browser had before a login, at whichever
// organization: the browser has lost its cookie, so nobody could sign it out any more.
func (o Org) endReplaced(ctx context.Context, id string) error {
	err := across.In(ctx, o).Model(&people.Session{}).Where("id = ? AND ended_at IS NULL", id).
		UpdateColumn("ended_at", tenant.Now(o)).Error
	if err != nil {
		return fmt.Errorf("end replaced session: %w", err)
	}
	return nil
}

// handOver makes the code with which an application learns who signed in. It
// refuses an application that does not serve the organization any more, an
// address that is not the application's any more, and a person whose stored e-mail address is outside the organization's verified
// domains, unless an operator allowed that: an application that keys by e-mail
// must not be taken over by a hostile organization (docs/design/identity.md, "Disclosure"). The
// code and its token are then looked up under the same two conditions.
func (o Org) handOver(ctx context.Context, g *organization.Organization, u *people.User, s *people.Session, application, redirectURI, challenge string) (string, error) {
	if err := o.answerable(ctx, u, application, redirectURI); err != nil {
		return "", err
	}
	if !u.EmailUnder(g.Domains) && !g.AllowProfilesOutsideOrganization {
		return "", &refusal.Error{Reason: refusal.ProfileOutside, UserID: u.ID,
			Expected: "a user whose e-mail address is under a verified domain of the organization", Received: describeEmail(u.Email)}
	}
	row := AuthorizationCode{SessionID: s.ID, ApplicationID: application, RedirectURI: redirectURI, CodeChallenge: challenge,
		CreatedAt: tenant.Now(o), ExpiresAt: tenant.Now(o) + model.Time(codeTime.Milliseconds())}
	code, hash, _ := tenant.NewToken("rc_code_")
	row.Hash = hash
	if err := tenant.DB(o).WithContext(ctx).Create(&row).Error; err != nil {
		return "", fmt.Errorf("create code: %w", err)
	}
	return code, nil
}

// answerable refuses an application that does not serve the organization any
// more, and an address that was taken from it while the person signed in: who
// answers there now may be somebody else.
func (o Org) answerable(ctx context.Context, u *people.User, application, redirectURI string) error {
	a, err := organization.Across(o).ApplicationIn(across.ReadIn(ctx, o), application)
	if err == nil && !slices.Contains(a.RedirectURIs, redirectURI) {
		return &refusal.Error{Reason: refusal.RedirectURIWithdrawn, UserID: u.ID,
			Expected: "one of the application's redirect_uris", Received: redirectURI}
	}
	serves := false
	if err == nil {
		serves, err = organization.Across(o).ReachesIn(across.ReadIn(ctx, o), a.Scope(), o.ID)
	}
	if err == nil && !serves || model.KindOf(err) == model.NotFound {
		return &refusal.Error{Reason: refusal.ApplicationWithdrawn, UserID: u.ID,
			Expected: "an application that serves the organization", Received: model.ApplicationPrefix.ID(application)}
	}
	return err
}

// HandOver gives an application a code for a session that lives already. It
// answers *SignInRefused as SignIn does.
func (o Org) HandOver(ctx context.Context, in *SignedIn, application, redirectURI, challenge string) (code string, err error) {
	err = o.Tx(ctx, func(org Org) error {
		g, err := organization.In(org).Organization(ctx)
		if err != nil {
			return err
		}
		code, err = org.handOver(ctx, g, &in.User, &in.Session, application, redirectURI, challenge)
		return err
	})
	return code, err
}

// Redemption is what an application sends to exchange a code.
type Redemption struct {
	ApplicationID string
	Code          string
	RedirectURI   *string // compared when it is sent
	CodeVerifier  string  // RFC 7636, section 4.5
}

// errCode says nothing of what was wrong: whoever has a stolen code learns nothing from it.
func errCode() error {
	return model.Invalidf("code", "the code is unknown, was used or has expired, or was made for another application, redirect_uri or code_verifier")
}

// RedeemCode exchanges a code for an access token, once. A code that comes a
// second time has been seen by two: the token of the first is revoked (RFC 6749,
// section 4.1.2). It answers Invalid when there is nothing to exchange.
func (s Store) RedeemCode(ctx context.Context, r Redemption) (in *SignedIn, token string, err error) {
	hash := tenant.HashToken(r.Code)
	var codes []AuthorizationCode
	if err := across.Read(ctx, s).Where("hash = ?", hash).Limit(1).Find(&codes).Error; err != nil {
		return nil, "", tenant.Translate(s, fmt.Errorf("read code: %w", err))
	}
	if len(codes) == 0 || codes[0].ApplicationID != r.ApplicationID {
		return nil, "", errCode()
	}
	c := codes[0]
	org := In(s.Org(c.OrganizationID, model.System))
	now := model.TimeOf(s.Now())
	if c.UsedAt == nil && (c.ExpiresAt <= now || !r.fits(c)) {
		return nil, "", errCode()
	}
	t := AccessToken{SessionID: c.SessionID, ApplicationID: c.ApplicationID, CodeHash: hash, CreatedAt: now}
	token, t.Hash, _ = tenant.NewToken("rc_at_")
	err = org.Tx(ctx, func(org Org) error {
		used := tenant.DB(org).WithContext(ctx).Model(&AuthorizationCode{}).Where("hash = ? AND used_at IS NULL", hash).UpdateColumn("used_at", now)
		if used.Error != nil {
			return fmt.Errorf("use code: %w", used.Error)
		}
		if used.RowsAffected == 0 {
			return errUsedCode
		}
		in, err = s.signedIn(across.In(ctx, org), sessionByCode, hash, now, now)
		if model.KindOf(err) == model.Denied {
			return errCode()
		}
		if err != nil {
			return err
		}
		t.ExpiresAt = in.Session.ExpiresAt
		if err := tenant.DB(org).WithContext(ctx).Create(&t).Error; err != nil {
			return fmt.Errorf("create access token: %w", err)
		}
		return nil
	})
	if errors.Is(err, errUsedCode) {
		if err := org.revokeTokensOf(ctx, hash); err != nil {
			return nil, "", err
		}
		return nil, "", errCode()
	}
	if err != nil {
		return nil, "", err
	}
	return in, token, nil
}

// errUsedCode is what RedeemCode finds when somebody was first.
var errUsedCode = errors.New("the code was used")

func (o Org) revokeTokensOf(ctx context.Context, code []byte) error {
	if err := tenant.DB(o).WithContext(ctx).Where("code_hash = ?", code).Delete(&AccessToken{}).Error; err != nil {
		return tenant.Translate(o, fmt.Errorf("revoke tokens: %w", err))
	}
	return nil
}

// fits tells whether a code may be exchanged so.
func (r Redemption) fits(c AuthorizationCode) bool {
	if r.RedirectURI != nil && *r.RedirectURI != c.RedirectURI {
		return false
	}
	if c.CodeChallenge == "" {
		return r.CodeVerifier == "" // RFC 9700, section 2.1.1: a verifier without a challenge is a downgrade
	}
	sum := sha256.Sum256([]byte(r.CodeVerifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(c.CodeChallenge)) == 1
}

// Profile is who signed in, as an application sees it.
func (o Org) Profile(ctx context.Context, in *SignedIn) (*ProfileObject, error) {
	d, err := in.User.Parse()
	if err != nil {
		return nil, err
	}
	p := &ProfileObject{
		Object: "profile", ID: model.ProfilePrefix.ID(in.Identity.ID), OrganizationID: model.OrganizationPrefix.ID(string(o.ID)),
		Method: in.Session.Method(), ConnectionID: model.ConnectionPrefix.OrNull(in.Session.ConnectionID), ConnectionType: tenant.OrNull(in.ConnectionType), IdpID: in.Identity.Subject,
		Email: in.User.Email, FirstName: tenant.OrNull(d.Name.GivenName), LastName: tenant.OrNull(d.Name.FamilyName), Name: tenant.OrNull(d.FormattedName()),
		Role: people.RoleObject{Slug: in.User.Role}, Roles: []people.RoleObject{{Slug: in.User.Role}}, Groups: []string{}, CustomAttributes: map[string]any{},
		RawAttributes: json.RawMessage(in.Identity.RawAttributes), UserID: model.UserPrefix.ID(in.User.ID),
	}
	// What a directory says of its users counts for more than what a login says
	// (docs/design/identity.md, "Groups").
	db := tenant.Read(o).WithContext(ctx).Model(&people.AssertedGroup{}).Where("user_id = ? AND connection_id = ?", in.User.ID, in.Identity.ConnectionID).Order("name_folded")
	column := "name"
	if in.User.DirectoryID != nil {
		mine := tenant.Read(o).Model(&people.GroupMember{}).Select("group_id").Where("user_id = ?", in.User.ID)
		db, column = tenant.Read(o).WithContext(ctx).Model(&people.DirectoryGroup{}).Where("id IN (?)", mine).Order("display_name_folded"), "display_name"
	}
	if err := db.Pluck(column, &p.Groups).Error; err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read groups: %w", err))
	}
	p.Accounts, err = o.ProfileAccounts(ctx, in.User.ID)
	return p, err
}

// ProfileObject is a user as an application gets it after a sign-in.
type ProfileObject struct {
	Object           string              `json:"object"`
	ID               string              `json:"id"`
	OrganizationID   string              `json:"organization_id"`
	Method           people.SignInMethod `json:"method"`        // Rollcall's addition
	ConnectionID     *string             `json:"connection_id"` // null, as the type, after a password
	ConnectionType   *string             `json:"connection_type"`
	IdpID            string              `json:"idp_id"`
	Email            string              `json:"email"`
	FirstName        *string             `json:"first_name"`
	LastName         *string             `json:"last_name"`
	Name             *string             `json:"name"`
	Role             people.RoleObject   `json:"role"`
	Roles            []people.RoleObject `json:"roles"`
	Groups           []string            `json:"groups"`
	CustomAttributes map[string]any      `json:"custom_attributes"`
	RawAttributes    json.RawMessage     `json:"raw_attributes"`
	UserID           string              `json:"user_id"` // Rollcall's addition: the member of the organization

	// Accounts are Rollcall's addition: where the user has a seat, and in which groups.
	Accounts []ProfileAccount `json:"accounts"`
}
