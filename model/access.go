package model

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
)

// What a sign-in opens is found by a secret before the organization is known.
// Each statement here is bounded by that secret's hash, joins only rows of one
// organization, and demands that the session lives: one place decides when
// access has ended (docs/design/identity.md, "Ended access").

// codeTime is how long an authorization code may be exchanged.
const codeTime = time.Minute

// authorizationCode is a code that was handed to an application.
type authorizationCode struct {
	Hash           []byte         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	SessionID      string
	ApplicationID  string
	RedirectURI    string `gorm:"column:redirect_uri"`
	CodeChallenge  string
	CreatedAt      Time `gorm:"autoCreateTime:false"`
	ExpiresAt      Time
	UsedAt         *Time
}

// accessToken is a token that an application got for a code.
type accessToken struct {
	Hash           []byte         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	SessionID      string
	ApplicationID  string
	CodeHash       []byte
	CreatedAt      Time `gorm:"autoCreateTime:false"`
	ExpiresAt      Time
}

// SignedIn is a live session with whose it is.
type SignedIn struct {
	Session Session
	User    User // without its document's values and its version
	// Identity is that of the session; after a password it is the user's first, and one with the
	// user's own id where an identity provider never vouched for them.
	Identity       Identity
	ConnectionType string // empty after a password
}

// signedIn reads whom a secret opens. It answers Denied when it opens nothing, without telling why.
func (s *Store) signedIn(db *gorm.DB, query string, args ...any) (*SignedIn, error) {
	var rows []signedInRow
	if err := db.Raw(query, args...).Scan(&rows).Error; err != nil {
		return nil, s.translate(fmt.Errorf("read session: %w", err))
	}
	if len(rows) == 0 || rows[0].idle(TimeOf(s.now())) {
		return nil, Deniedf("the session is unknown or has ended")
	}
	return rows[0].signedIn(), nil
}

// SessionByToken returns the live session of a browser by its cookie's value. It
// answers Denied when there is none, or none any more.
func (s *Store) SessionByToken(ctx context.Context, token string) (*SignedIn, error) {
	in, err := s.signedIn(s.readAcross(ctx), sessionByCookie, hashToken(token), TimeOf(s.now()))
	if err != nil {
		return nil, err
	}
	return s.used(ctx, in), nil
}

// SessionByAccessToken returns the live session that an application's access
// token was issued for. It answers Denied when there is none, or none any more,
// when the application does not serve the organization any more, and while it
// may not be told of the person: see Org.HandOver.
func (s *Store) SessionByAccessToken(ctx context.Context, token string) (*SignedIn, error) {
	now := TimeOf(s.now())
	in, err := s.signedIn(s.readAcross(ctx), sessionByAccessToken, hashToken(token), now, now)
	if err != nil {
		return nil, err
	}
	return s.used(ctx, in), nil
}

// endReplaced ends the session that a browser had before a login, at whichever
// organization: the browser has lost its cookie, so nobody could sign it out any more.
func (o *Org) endReplaced(ctx context.Context, id string) error {
	err := o.unbounded(ctx).Model(&Session{}).Where("id = ? AND ended_at IS NULL", id).
		UpdateColumn("ended_at", o.now()).Error
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
func (o *Org) handOver(ctx context.Context, g *Organization, u *User, s *Session, application, redirectURI, challenge string) (string, error) {
	if err := o.answerable(ctx, u, application, redirectURI); err != nil {
		return "", err
	}
	if !u.emailUnder(g.Domains) && !g.AllowProfilesOutsideOrganization {
		return "", &SignInRefused{Reason: ProfileOutside, UserID: u.ID,
			Expected: "a user whose e-mail address is under a verified domain of the organization", Received: describeEmail(u.Email)}
	}
	row := authorizationCode{SessionID: s.ID, ApplicationID: application, RedirectURI: redirectURI, CodeChallenge: challenge,
		CreatedAt: o.now(), ExpiresAt: o.now() + Time(codeTime.Milliseconds())}
	code, hash, _ := newToken("rc_code_")
	row.Hash = hash
	if err := o.db.WithContext(ctx).Create(&row).Error; err != nil {
		return "", fmt.Errorf("create code: %w", err)
	}
	return code, nil
}

// answerable refuses an application that does not serve the organization any
// more, and an address that was taken from it while the person signed in: who
// answers there now may be somebody else.
func (o *Org) answerable(ctx context.Context, u *User, application, redirectURI string) error {
	a, err := o.store.application(o.inside(ctx), application)
	if err == nil && !slices.Contains(a.RedirectURIs, redirectURI) {
		return &SignInRefused{Reason: RedirectURIWithdrawn, UserID: u.ID,
			Expected: "one of the application's redirect_uris", Received: redirectURI}
	}
	serves := false
	if err == nil {
		serves, err = o.store.reaches(o.inside(ctx), a.Scope(), o.ID)
	}
	if err == nil && !serves || KindOf(err) == NotFound {
		return &SignInRefused{Reason: ApplicationWithdrawn, UserID: u.ID,
			Expected: "an application that serves the organization", Received: ApplicationPrefix.ID(application)}
	}
	return err
}

// inside sees all organizations, within the running transaction: a look-up that
// waited for a second connection of the pool would wait for others who do the same.
func (o *Org) inside(ctx context.Context) *gorm.DB {
	return o.readUnbounded(ctx)
}

// servedBy tells whether an application serves the organization.
func (o *Org) servedBy(ctx context.Context, application string) (bool, error) {
	return o.store.serves(o.inside(ctx), application, o.ID)
}

// HandOver gives an application a code for a session that lives already. It
// answers *SignInRefused as SignIn does.
func (o *Org) HandOver(ctx context.Context, in *SignedIn, application, redirectURI, challenge string) (code string, err error) {
	err = o.Tx(ctx, func(org *Org) error {
		g, err := org.Organization(ctx)
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
	return Invalidf("code", "the code is unknown, was used or has expired, or was made for another application, redirect_uri or code_verifier")
}

// RedeemCode exchanges a code for an access token, once. A code that comes a
// second time has been seen by two: the token of the first is revoked (RFC 6749,
// section 4.1.2). It answers Invalid when there is nothing to exchange.
func (s *Store) RedeemCode(ctx context.Context, r Redemption) (in *SignedIn, token string, err error) {
	hash := hashToken(r.Code)
	var codes []authorizationCode
	if err := s.readAcross(ctx).Where("hash = ?", hash).Limit(1).Find(&codes).Error; err != nil {
		return nil, "", s.translate(fmt.Errorf("read code: %w", err))
	}
	if len(codes) == 0 || codes[0].ApplicationID != r.ApplicationID {
		return nil, "", errCode()
	}
	c := codes[0]
	org := s.Org(c.OrganizationID, System)
	now := TimeOf(s.now())
	if c.UsedAt == nil && (c.ExpiresAt <= now || !r.fits(c)) {
		return nil, "", errCode()
	}
	t := accessToken{SessionID: c.SessionID, ApplicationID: c.ApplicationID, CodeHash: hash, CreatedAt: now}
	token, t.Hash, _ = newToken("rc_at_")
	err = org.Tx(ctx, func(org *Org) error {
		used := org.db.WithContext(ctx).Model(&authorizationCode{}).Where("hash = ? AND used_at IS NULL", hash).UpdateColumn("used_at", now)
		if used.Error != nil {
			return fmt.Errorf("use code: %w", used.Error)
		}
		if used.RowsAffected == 0 {
			return errUsedCode
		}
		in, err = s.signedIn(org.unbounded(ctx), sessionByCode, hash, now, now)
		if KindOf(err) == Denied {
			return errCode()
		}
		if err != nil {
			return err
		}
		t.ExpiresAt = in.Session.ExpiresAt
		if err := org.db.WithContext(ctx).Create(&t).Error; err != nil {
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

func (o *Org) revokeTokensOf(ctx context.Context, code []byte) error {
	if err := o.db.WithContext(ctx).Where("code_hash = ?", code).Delete(&accessToken{}).Error; err != nil {
		return o.store.translate(fmt.Errorf("revoke tokens: %w", err))
	}
	return nil
}

// fits tells whether a code may be exchanged so.
func (r Redemption) fits(c authorizationCode) bool {
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
func (o *Org) Profile(ctx context.Context, in *SignedIn) (*ProfileObject, error) {
	d, err := in.User.parse()
	if err != nil {
		return nil, err
	}
	p := &ProfileObject{
		Object: "profile", ID: ProfilePrefix.ID(in.Identity.ID), OrganizationID: OrganizationPrefix.ID(string(o.ID)),
		Method: in.Session.Method(), ConnectionID: ConnectionPrefix.orNull(in.Session.ConnectionID), ConnectionType: orNull(in.ConnectionType), IdpID: in.Identity.Subject,
		Email: in.User.Email, FirstName: orNull(d.Name.GivenName), LastName: orNull(d.Name.FamilyName), Name: orNull(d.formattedName()),
		Role: RoleObject{in.User.Role}, Roles: []RoleObject{{in.User.Role}}, Groups: []string{}, CustomAttributes: map[string]any{},
		RawAttributes: json.RawMessage(in.Identity.RawAttributes), UserID: UserPrefix.ID(in.User.ID),
	}
	// What a directory says of its users counts for more than what a login says
	// (docs/design/identity.md, "Groups").
	db := o.read.WithContext(ctx).Model(&assertedGroup{}).Where("user_id = ? AND connection_id = ?", in.User.ID, in.Identity.ConnectionID).Order("name_folded")
	column := "name"
	if in.User.DirectoryID != nil {
		mine := o.read.Model(&groupMember{}).Select("group_id").Where("user_id = ?", in.User.ID)
		db, column = o.read.WithContext(ctx).Model(&DirectoryGroup{}).Where("id IN (?)", mine).Order("display_name_folded"), "display_name"
	}
	if err := db.Pluck(column, &p.Groups).Error; err != nil {
		return nil, o.store.translate(fmt.Errorf("read groups: %w", err))
	}
	p.Accounts, err = o.ProfileAccounts(ctx, in.User.ID)
	return p, err
}

// ProfileObject is a user as an application gets it after a sign-in.
type ProfileObject struct {
	Object           string          `json:"object"`
	ID               string          `json:"id"`
	OrganizationID   string          `json:"organization_id"`
	Method           SignInMethod    `json:"method"`        // Rollcall's addition
	ConnectionID     *string         `json:"connection_id"` // null, as the type, after a password
	ConnectionType   *string         `json:"connection_type"`
	IdpID            string          `json:"idp_id"`
	Email            string          `json:"email"`
	FirstName        *string         `json:"first_name"`
	LastName         *string         `json:"last_name"`
	Name             *string         `json:"name"`
	Role             RoleObject      `json:"role"`
	Roles            []RoleObject    `json:"roles"`
	Groups           []string        `json:"groups"`
	CustomAttributes map[string]any  `json:"custom_attributes"`
	RawAttributes    json.RawMessage `json:"raw_attributes"`
	UserID           string          `json:"user_id"` // Rollcall's addition: the member of the organization

	// Accounts are Rollcall's addition: where the user has a seat, and in which groups.
	Accounts []ProfileAccount `json:"accounts"`
}
