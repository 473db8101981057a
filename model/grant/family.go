package grant

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/signon"
)

// TokenFamily is the row of what one sign-in gave one application: a chain of refresh tokens, of
// which only the newest is good.
type TokenFamily struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	SessionID      string
	ApplicationID  string
	CodeHash       []byte // of the code, as in the access tokens of the family
	Scope          string
	Generation     int64
	RotatedAt      model.Time // when the generation began
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	ExpiresAt      model.Time // that of the session
	EndedAt        *model.Time
	EndedReason    EndedReason
}

// EndedReason is why a family ended before its session did.
type EndedReason string

// The reasons. Whoever sends an old refresh token, or a code once more, may have stolen it.
const (
	EndedReused   EndedReason = "refresh_token_reused"
	EndedReplayed EndedReason = "code_replayed"
	EndedRevoked  EndedReason = "revoked"
)

// RefreshReused is the event of a refresh token that was sent again after its time.
const RefreshReused model.EventType = "authentication.refresh_reused"

// refreshReused is its data.
type refreshReused struct {
	UserID        string `json:"user_id"`
	SessionID     string `json:"session_id"`
	ApplicationID string `json:"application_id"`
	Alert         bool   `json:"alert"`
}

// RefreshPrefix begins a refresh token.
const RefreshPrefix = "rc_rt_"

const (
	familyBytes  = 16                   // the id
	refreshBytes = familyBytes + 8 + 32 // id, generation and MAC
	accessTime   = 5 * time.Minute      // of an access token beside a refresh token
	macPurpose   = "refresh token\x00"  // of the installation's key
)

// refreshToken returns the token of a generation of a family. It is derived, so that the same
// generation has the same token at each replica, and a repeated answer is the same.
func refreshToken(h tenant.Base, family string, generation int64) string {
	id := uuid.MustParse(family)
	body := binary.BigEndian.AppendUint64(id[:], uint64(generation))
	mac := hmac.New(sha256.New, tenant.HashKey(h))
	mac.Write([]byte(macPurpose))
	mac.Write(body)
	return RefreshPrefix + base64.RawURLEncoding.EncodeToString(mac.Sum(body))
}

// readRefreshToken returns the family and the generation of a token of ours.
func readRefreshToken(h tenant.Base, token string) (family string, generation int64, ok bool) {
	text, found := strings.CutPrefix(token, RefreshPrefix)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if !found || err != nil || len(raw) != refreshBytes {
		return "", 0, false
	}
	family = uuid.UUID(raw[:familyBytes]).String()
	generation = int64(binary.BigEndian.Uint64(raw[familyBytes:]))
	return family, generation, hmac.Equal([]byte(refreshToken(h, family, generation)), []byte(token))
}

// familyRow is a family as one statement reads it, with its grant.
type familyRow struct {
	Row        grantRow `gorm:"embedded"`
	FamilyID   string
	CodeHash   []byte
	Generation int64
	RotatedAt  model.Time
}

// findFamily reads a live family of an application. It finds none where access has ended.
func (s Store) findFamily(db *gorm.DB, id, application string, lock bool) ([]familyRow, error) {
	var rows []familyRow
	err := signon.InsideStore(tenant.InsideStore(s)).FindIssued(db, signon.IssuedQuery{
		Columns: userColumns(tenant.DialectOf(s)) + `, t.scope, '' AS nonce, t.created_at AS issued_at,
			t.expires_at AS token_end, t.id AS family_id, t.code_hash, t.generation, t.rotated_at`,
		From:  "token_families t",
		Where: "t.id = ? AND t.application_id = ? AND t.ended_at IS NULL AND t.expires_at > ?", Lock: lock,
	}, &rows, id, application, model.TimeOf(s.Now()))
	return rows, err
}

// createFamily begins a chain of refresh tokens, and returns the first.
func (s Store) createFamily(db *gorm.DB, g *Grant, code []byte, now model.Time) (token string, err error) {
	row := TokenFamily{ID: model.NewID(), OrganizationID: g.Session.OrganizationID, SessionID: g.Session.ID,
		ApplicationID: g.ApplicationID, CodeHash: code, Scope: g.Scope, Generation: 1, RotatedAt: now, CreatedAt: now,
		ExpiresAt: g.Session.ExpiresAt}
	if err := db.Create(&row).Error; err != nil {
		return "", fmt.Errorf("create token family: %w", err)
	}
	return refreshToken(s, row.ID, row.Generation), nil
}

// endFamily ends a family and its access tokens. Of several requests at once, one records that a
// token was reused.
func (s Store) endFamily(ctx context.Context, f *familyRow, reason EndedReason) error {
	org := s.Org(model.OrganizationID(f.Row.OrganizationID), model.System)
	return org.Tx(ctx, func(org *tenant.Org) error {
		r := tenant.DB(ctx, org).Model(&TokenFamily{}).Where("id = ? AND ended_at IS NULL", f.FamilyID).
			Select("EndedAt", "EndedReason").
			UpdateColumns(&TokenFamily{EndedAt: new(tenant.Now(org)), EndedReason: reason})
		if r.Error != nil {
			return fmt.Errorf("end token family: %w", r.Error)
		}
		err := tenant.DB(ctx, org).Where("code_hash = ?", f.CodeHash).Delete(&signon.AccessToken{}).Error
		if err != nil {
			return fmt.Errorf("revoke tokens: %w", err)
		}
		if reason != EndedReused || r.RowsAffected == 0 {
			return nil
		}
		user := model.UserPrefix.ID(f.Row.UserID)
		return tenant.Record(org, RefreshReused, user, refreshReused{user, model.SessionPrefix.ID(f.Row.SessionID),
			model.ApplicationPrefix.ID(f.Row.ApplicationID), true})
	})
}

// Revoke ends a token of an application: all that a refresh token has opened, and one access token.
// It does nothing for any other text.
func (s Store) Revoke(ctx context.Context, application, token string) error {
	if id, _, ok := readRefreshToken(s, token); ok {
		rows, err := s.findFamily(across.Read(ctx, s), id, application, false)
		if err != nil || len(rows) == 0 {
			return err
		}
		return s.endFamily(ctx, &rows[0], EndedRevoked)
	}
	err := across.DB(ctx, s).Where("hash = ? AND application_id = ?", tenant.HashToken(token), application).
		Delete(&signon.AccessToken{}).Error
	if err != nil {
		return tenant.Translate(s, fmt.Errorf("revoke access token: %w", err))
	}
	return nil
}
