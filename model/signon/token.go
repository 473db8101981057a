package signon

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// UsedToken is the row of something that is good for one use and was used. It is kept until the
// thing expires.
type UsedToken struct {
	OrganizationID model.OrganizationID `gorm:"primaryKey;<-:create"`
	ID             string               `gorm:"primaryKey"`
	ExpiresAt      model.Time
}

// useToken marks something as used that expires at a time. It returns false if it was used before
// or has expired. Of several requests at once, on whatever replica, one gets true.
func (o Org) useToken(ctx context.Context, id string, expires model.Time) (bool, error) {
	if expires <= tenant.Now(o) {
		return false, nil
	}
	r := tenant.DB(ctx, o).Clauses(clause.OnConflict{DoNothing: true}).Create(&UsedToken{ID: id, ExpiresAt: expires})
	return r.RowsAffected == 1, r.Error
}

// tokenUsed tells whether something was used. It only spares work: useToken decides.
func (o Org) tokenUsed(ctx context.Context, id string) (bool, error) {
	var found []string
	err := tenant.Read(ctx, o).Model(&UsedToken{}).Where("id = ?", id).Limit(1).Pluck("id", &found).Error
	if err != nil {
		return false, tenant.Translate(o, fmt.Errorf("look for used token: %w", err))
	}
	return len(found) > 0, nil
}

// useOnce marks a row that is good for one use as used. It returns false if the row was used before
// or has expired. Of several requests at once, on whatever replica, one gets true.
func (o Org) useOnce(ctx context.Context, row any, id string) (bool, error) {
	now := tenant.Now(o)
	r := tenant.DB(ctx, o).Model(row).Where("id = ? AND used_at IS NULL AND expires_at > ?", id, now).
		UpdateColumn("used_at", now)
	return r.RowsAffected == 1, r.Error
}

// handle writes and reads the handles of one connection's logins. A handle names a login and shows
// that it is one of ours. It has 54 characters, because a RelayState has at most 80 (SAML Bindings,
// section 3.4.3).
type handle struct{ key []byte }

func (o Org) loginHandle(connectionID string) handle {
	mac := hmac.New(sha256.New, tenant.HashKey(o))
	mac.Write([]byte("login handle\x00" + string(o.ID) + "\x00" + connectionID))
	return handle{mac.Sum(nil)}
}

const (
	handleBody = 8 + 16 // the end and the id
	handleMAC  = 16
)

func (h handle) sum(body []byte) []byte {
	mac := hmac.New(sha256.New, h.key)
	mac.Write(body)
	return mac.Sum(nil)[:handleMAC]
}

// write returns the handle of an id, which is a UUID.
func (h handle) write(id string, expires model.Time) string {
	body := binary.BigEndian.AppendUint64(nil, uint64(expires))
	raw, _ := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	body = append(body, raw...)
	return encode(append(body, h.sum(body)...))
}

// read returns the id of a handle and when it expires.
func (h handle) read(text string) (id string, expires model.Time, ok bool) {
	raw := decode(text)
	if len(raw) != handleBody+handleMAC || encode(raw) != text ||
		!hmac.Equal(h.sum(raw[:handleBody]), raw[handleBody:]) {
		return "", 0, false
	}
	d := hex.EncodeToString(raw[8:handleBody])
	return strings.Join([]string{d[:8], d[8:12], d[12:16], d[16:20], d[20:]}, "-"),
		model.Time(binary.BigEndian.Uint64(raw)), true
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// decode returns nothing for what encode does not return.
func decode(text string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return raw
}

// seal encodes something as text that only this installation can read, for one purpose.
func (s Store) seal(v any, purpose string) string {
	text, _ := tenant.Encode(v) // texts and numbers
	return encode(tenant.SealerOf(s).Seal([]byte(text), purpose))
}

// open reads what seal returned. It tells whether it could.
func (s Store) open(sealed, purpose string, v any) bool {
	text, err := tenant.SealerOf(s).Open(decode(sealed), purpose)
	return err == nil && tenant.Decode(string(text), v) == nil
}
