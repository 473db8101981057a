package grant

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

const (
	// keyTime is how long a key signs. The periods begin at fixed times. So replicas that make the
	// next key at once make it for one period, of which the database takes one.
	keyTime = 90 * 24 * time.Hour
	// keyAhead is how long a key is published before it signs. Clients keep the key set for a day
	// at most.
	keyAhead = 24 * time.Hour
	// keyAfter is how long a key is published after it signed. An ID token is good for an hour.
	keyAfter = 25 * time.Hour

	rsaBits = 2048
)

// algorithms are those of ID tokens, in the order in which the key set has them.
var algorithms = []string{organization.SignRS256, organization.SignES256}

// SigningKey is the row of a key that signs ID tokens.
type SigningKey struct {
	KID         string `gorm:"column:kid;primaryKey"` // RFC 7638
	Algorithm   string
	Sealed      []byte
	PublishedAt model.Time
	SignsFrom   model.Time
	GoneAt      model.Time // from then on it is not published
}

// Key is a key of the store.
type Key struct {
	ID        string
	Algorithm string
	Signer    crypto.Signer
	SignsFrom model.Time
}

func keyPurpose(kid string) string { return "signing_keys/" + kid + "/sealed" }

// Keys returns the keys that are published, and makes those that are due. Of each algorithm the one
// that signs comes first.
func (s Store) Keys(ctx context.Context) ([]Key, error) {
	now := model.TimeOf(s.Now())
	rows, err := s.publishedKeys(across.Read(ctx, s), now)
	if err != nil {
		return nil, err
	}
	due := dueKeys(rows, now)
	for _, row := range due {
		if err := s.createKey(ctx, row); err != nil {
			return nil, err
		}
	}
	if len(due) > 0 {
		if rows, err = s.publishedKeys(across.DB(ctx, s), now); err != nil {
			return nil, err
		}
	}
	return s.openKeys(rows, now)
}

// Key returns a key by its id, also one that is not published any more. It returns NotFound for an
// unknown one.
func (s Store) Key(ctx context.Context, id string) (*Key, error) {
	var rows []SigningKey
	if err := across.Read(ctx, s).Where("kid = ?", id).Limit(1).Find(&rows).Error; err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read signing key: %w", err))
	}
	if len(rows) == 0 {
		return nil, model.NotFoundf("there is no signing key %.64q", id)
	}
	keys, err := s.openKeys(rows, model.TimeOf(s.Now()))
	if err != nil {
		return nil, err
	}
	return &keys[0], nil
}

// publishedKeys reads the keys that are published at a time.
func (s Store) publishedKeys(db *gorm.DB, now model.Time) ([]SigningKey, error) {
	var rows []SigningKey
	if err := db.Where("gone_at > ?", now).Order("signs_from, kid").Find(&rows).Error; err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read signing keys: %w", err))
	}
	return rows, nil
}

// dueKeys returns the keys that are missing at a time, without their secrets: one for the period
// that runs, and one for the next period when that is near.
func dueKeys(rows []SigningKey, now model.Time) (due []SigningKey) {
	period := model.Time(keyTime.Milliseconds())
	for _, algorithm := range algorithms {
		for _, at := range []model.Time{now, now + model.Time(keyAhead.Milliseconds())} {
			from := at - at%period
			key := SigningKey{Algorithm: algorithm, PublishedAt: now, SignsFrom: from,
				GoneAt: from + period + model.Time(keyAfter.Milliseconds())}
			same := func(k SigningKey) bool { return k.Algorithm == algorithm && k.SignsFrom == from }
			if !slices.ContainsFunc(rows, same) && !slices.ContainsFunc(due, same) {
				due = append(due, key)
			}
		}
	}
	return due
}

// createKey makes the secret of a key and stores it, unless another replica was first.
func (s Store) createKey(ctx context.Context, row SigningKey) error {
	var signer crypto.Signer
	var err error
	if row.Algorithm == organization.SignES256 {
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		signer, err = rsa.GenerateKey(rand.Reader, rsaBits)
	}
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	thumbprint, err := (&jose.JSONWebKey{Key: signer.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	row.KID = base64.RawURLEncoding.EncodeToString(thumbprint)
	row.Sealed = tenant.SealerOf(s).Seal(secret, keyPurpose(row.KID))
	if err := across.DB(ctx, s).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return tenant.Translate(s, fmt.Errorf("create signing key: %w", err))
	}
	return nil
}

// openKeys opens the secrets of keys, and sorts the keys.
func (s Store) openKeys(rows []SigningKey, now model.Time) ([]Key, error) {
	var out []Key
	for _, row := range rows {
		secret, err := tenant.SealerOf(s).Open(row.Sealed, keyPurpose(row.KID))
		if err != nil {
			return nil, fmt.Errorf("open signing key: %w", err)
		}
		parsed, err := x509.ParsePKCS8PrivateKey(secret)
		if err != nil {
			return nil, fmt.Errorf("open signing key: %w", err)
		}
		signer, ok := parsed.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("open signing key %s: a %T does not sign", row.KID, parsed)
		}
		out = append(out, Key{ID: row.KID, Algorithm: row.Algorithm, Signer: signer, SignsFrom: row.SignsFrom})
	}
	slices.SortStableFunc(out, func(a, b Key) int {
		if a.Algorithm != b.Algorithm {
			return slices.Index(algorithms, a.Algorithm) - slices.Index(algorithms, b.Algorithm)
		}
		return cmp.Compare(rank(a, now), rank(b, now))
	})
	return out, nil
}

// rank sorts the key that signs first, then those that signed before it, the latest first, and then
// those that will sign. Some clients take the first key of a set without looking at its id.
func rank(k Key, now model.Time) model.Time {
	if k.SignsFrom > now {
		return k.SignsFrom
	}
	return now - k.SignsFrom
}
