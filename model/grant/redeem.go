package grant

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/signon"
)

// Redemption is what an application sends to exchange a code. The redirect URI is the one of the
// request that the code answered.
type Redemption struct {
	ApplicationID string
	Code          string
	RedirectURI   string
	CodeVerifier  string // RFC 7636, section 4.5; empty when it was not sent
	// AlwaysRefresh gives a refresh token to an application that did not ask for it by a scope.
	AlwaysRefresh bool
}

// Tokens are what an application gets.
type Tokens struct {
	*Grant
	Access    string
	AccessEnd model.Time
	Refresh   string // empty without one
}

// ScopeOffline is the scope that asks for a refresh token (OpenID Connect Core, section 11).
const ScopeOffline = "offline_access"

// ErrGrant is the same for everything that cannot be exchanged, so that a thief of it learns
// nothing.
var ErrGrant error = model.Invalidf("", "it is unknown, was used or has expired, or was made for another client, "+
	"redirect_uri or code_verifier")

// errCodeTaken ends the transaction of Redeem when there is no code to exchange.
var errCodeTaken = errors.New("no code fits")

// Redeem exchanges a code of the OpenID provider. The error is ErrGrant when it cannot.
func (s Store) Redeem(ctx context.Context, r Redemption) (out *Tokens, err error) {
	hash := tenant.HashToken(r.Code)
	err = across.DB(ctx, s).Transaction(func(db *gorm.DB) error {
		out, err = s.redeem(ctx, db, r, hash)
		return err
	})
	switch {
	case errors.Is(err, errCodeTaken):
		return nil, errors.Join(s.refuseCode(ctx, r.ApplicationID, hash), ErrGrant)
	case err != nil:
		return nil, tenant.Translate(s, err)
	}
	return out, nil
}

// redeem is the transaction of Redeem. One statement finds the code and uses it up, so that nothing
// but the right request does.
func (s Store) redeem(ctx context.Context, db *gorm.DB, r Redemption, hash []byte) (*Tokens, error) {
	now := model.TimeOf(s.Now())
	used := db.Model(&signon.AuthorizationCode{}).
		Where("hash = ? AND application_id = ? AND scope <> '' AND redirect_uri = ? AND code_challenge = ?",
			hash, r.ApplicationID, r.RedirectURI, challengeOf(r.CodeVerifier)).
		Where("used_at IS NULL AND expires_at > ?", now).UpdateColumn("used_at", now)
	if used.Error != nil {
		return nil, fmt.Errorf("use code: %w", used.Error)
	}
	if used.RowsAffected == 0 {
		return nil, errCodeTaken
	}
	var rows []grantRow
	err := signon.InsideStore(tenant.InsideStore(s)).FindIssued(db, signon.IssuedQuery{
		Columns: userColumns(tenant.DialectOf(s)) +
			", t.scope, t.nonce, t.created_at AS issued_at, t.expires_at AS token_end",
		From: "authorization_codes t", Where: "t.hash = ?",
	}, &rows, hash)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, ErrGrant // access has ended meanwhile
	}
	g, err := rows[0].grant(rows[0].SignedIn())
	if err != nil {
		return nil, err
	}
	out := &Tokens{Grant: g}
	if r.AlwaysRefresh || slices.Contains(strings.Fields(g.Scope), ScopeOffline) {
		if out.Refresh, err = s.createFamily(db, g, hash, now); err != nil {
			return nil, err
		}
	}
	return out, s.createAccess(db, out, hash, now)
}

// challengeOf is the code_challenge to which a verifier belongs. Without a verifier there was none:
// a verifier without a challenge is refused as a downgrade (RFC 9700, section 2.1.1).
func challengeOf(verifier string) string {
	if verifier == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// createAccess stores an access token. It is good until the session ends, and beside a refresh
// token for a short time.
func (s Store) createAccess(db *gorm.DB, out *Tokens, code []byte, now model.Time) error {
	out.AccessEnd = out.Session.ExpiresAt
	if out.Refresh != "" {
		out.AccessEnd = min(out.AccessEnd, now+model.Time(accessTime.Milliseconds()))
	}
	row := signon.AccessToken{OrganizationID: out.Session.OrganizationID, SessionID: out.Session.ID,
		ApplicationID: out.ApplicationID, CodeHash: code, Scope: out.Scope, CreatedAt: now, ExpiresAt: out.AccessEnd}
	out.Access, row.Hash, _ = tenant.NewToken(AccessPrefix)
	if err := db.Create(&row).Error; err != nil {
		return fmt.Errorf("create access token: %w", err)
	}
	return nil
}

// AccessPrefix begins an access token.
const AccessPrefix = "rc_at_"

// refuseCode ends what a code has opened when its application sends the code once more: of the two
// who had it, one has stolen it (RFC 6749, section 4.1.2). Any other code stays as it is.
func (s Store) refuseCode(ctx context.Context, application string, hash []byte) error {
	replayed := across.DB(ctx, s).Model(&signon.AuthorizationCode{}).Select("hash").
		Where("hash = ? AND application_id = ? AND used_at IS NOT NULL", hash, application)
	now := model.TimeOf(s.Now())
	err := across.DB(ctx, s).Model(&TokenFamily{}).Where("code_hash IN (?) AND ended_at IS NULL", replayed).
		Select("EndedAt", "EndedReason").UpdateColumns(&TokenFamily{EndedAt: &now, EndedReason: EndedReplayed}).Error
	if err == nil {
		err = across.DB(ctx, s).Where("code_hash IN (?)", replayed).Delete(&signon.AccessToken{}).Error
	}
	if err != nil {
		return tenant.Translate(s, fmt.Errorf("revoke tokens: %w", err))
	}
	return nil
}

var errNoAccess error = model.Deniedf("the token is unknown or has ended")

// Access returns what an access token of the OpenID provider grants. The error is Denied when it
// grants nothing (any more), and does not say why.
func (s Store) Access(ctx context.Context, token string) (*Grant, error) {
	var rows []grantRow
	inside, now := signon.InsideStore(tenant.InsideStore(s)), model.TimeOf(s.Now())
	err := inside.FindIssued(across.Read(ctx, s), signon.IssuedQuery{
		Columns: userColumns(tenant.DialectOf(s)) +
			", t.scope, '' AS nonce, t.created_at AS issued_at, t.expires_at AS token_end",
		From: "access_tokens t", Where: "t.hash = ? AND t.expires_at > ?",
	}, &rows, tenant.HashToken(token), now)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errNoAccess
	}
	return rows[0].grant(inside.Use(ctx, &rows[0].SignedInRow))
}

// AuthenticatedAt is when the person authenticated, as the identity provider says. When it does not
// say, it is when the session began.
func (g *Grant) AuthenticatedAt() time.Time {
	if g.Session.AuthenticatedAt > 0 {
		return g.Session.AuthenticatedAt.Time()
	}
	return g.Session.CreatedAt.Time()
}
