package passwords

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

const (
	// freeGuesses cost nothing: people mistype.
	freeGuesses = 5
	// longestPause keeps a stranger from locking an account for good.
	longestPause = 15 * time.Minute
	// GuessesForgotten is how long wrong guesses count against the next ones.
	GuessesForgotten = 24 * time.Hour
)

// Guess is a row that counts the wrong passwords of one account or from one address, by a hash: the
// table names nobody.
type Guess struct {
	Hash         []byte `gorm:"primaryKey"`
	Failures     int
	BlockedUntil model.Time
	LastAt       model.Time
}

// OperatorAccount names the account of an operator by the folded e-mail address.
func OperatorAccount(email string) string { return "operator\x00" + email }

// UserAccount names the account of an organization's user by the folded e-mail address.
func UserAccount(organization model.OrganizationID, email string) string {
	return "user\x00" + string(organization) + "\x00" + email
}

// Attempt is an attempt to sign in with a password. It counts as a failure from the start, so that
// a hundred attempts at once count as a hundred, whichever replica answers them.
type Attempt struct {
	store tenant.Base
	keys  [][]byte
}

// Begin begins an attempt at an account from an address. All addresses of an IPv6 /64 are one. It
// answers Busy while the account or the address has to wait, and says for how long.
func Begin(ctx context.Context, store tenant.Base, account, address string) (*Attempt, error) {
	byAddress := tenant.HashToken("guess address\x00" + tenant.Network(address))
	a := &Attempt{store, [][]byte{accountKey(account), byAddress}}
	wait, err := a.wait(ctx)
	if err == nil && wait == 0 {
		wait, err = a.count(ctx)
	}
	if err != nil {
		return nil, tenant.Translate(store, err)
	}
	if wait > 0 {
		seconds := int((wait + time.Second - 1) / time.Second)
		return nil, &model.Error{Kind: model.Busy,
			Message: fmt.Sprintf("too many attempts; try again in %d seconds", seconds)}
	}
	return a, nil
}

func accountKey(account string) []byte { return tenant.HashToken("guess account\x00" + account) }

// wait returns how long the next attempt has to wait. It writes nothing: somebody who has to wait
// may go on asking, about accounts that do not exist.
func (a *Attempt) wait(ctx context.Context) (time.Duration, error) {
	var rows []Guess
	if err := across.Read(ctx, a.store).Where("hash IN ?", a.keys).Find(&rows).Error; err != nil {
		return 0, fmt.Errorf("read guesses: %w", err)
	}
	return longestWait(rows, a.now()), nil
}

func (a *Attempt) now() model.Time { return model.TimeOf(tenant.StoreOf(a.store).Now()) }

func longestWait(rows []Guess, now model.Time) (wait time.Duration) {
	for _, r := range rows {
		wait = max(wait, time.Duration(r.BlockedUntil-now)*time.Millisecond)
	}
	return wait
}

// count counts the attempt, unless one that came at the same time has used up what was free.
func (a *Attempt) count(ctx context.Context) (wait time.Duration, err error) {
	err = across.DB(ctx, a.store).Transaction(func(db *gorm.DB) error {
		now := a.now()
		rows := []Guess{{Hash: a.keys[0], LastAt: now}, {Hash: a.keys[1], LastAt: now}}
		// All transactions lock the rows in one order.
		slices.SortFunc(rows, func(a, b Guess) int { return bytes.Compare(a.Hash, b.Hash) })
		if err := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
			return fmt.Errorf("begin guesses: %w", err)
		}
		rows = nil
		locked := db.Clauses(clause.Locking{Strength: tenant.ToChange}).Where("hash IN ?", a.keys).Order("hash")
		if err := locked.Find(&rows).Error; err != nil {
			return fmt.Errorf("read guesses: %w", err)
		}
		if wait = longestWait(rows, now); wait > 0 {
			return nil // asking again does not make the wait longer
		}
		for _, r := range rows {
			if r.LastAt < now-model.Time(GuessesForgotten.Milliseconds()) {
				r.Failures = 0
			}
			r.Failures, r.LastAt = r.Failures+1, now
			r.BlockedUntil = now + model.Time(pause(r.Failures).Milliseconds())
			row := db.Model(&Guess{}).Where("hash = ?", r.Hash).Select("Failures", "BlockedUntil", "LastAt")
			if err := row.UpdateColumns(&r).Error; err != nil {
				return fmt.Errorf("count guess: %w", err)
			}
		}
		return nil
	})
	return wait, err
}

// pause is how long the next attempt has to wait after so many failures.
func pause(failures int) time.Duration {
	n := failures - freeGuesses
	if n <= 0 {
		return 0
	}
	if n > 10 {
		return longestPause
	}
	return min(time.Second<<n, longestPause)
}

// Succeed ends an attempt with the right password: the failures of the account are forgotten, and
// this attempt no longer counts against the address.
func (a *Attempt) Succeed(ctx context.Context) error {
	db := across.DB(ctx, a.store)
	if err := db.Where("hash = ?", a.keys[0]).Delete(&Guess{}).Error; err != nil {
		return tenant.Translate(a.store, fmt.Errorf("forget guesses: %w", err))
	}
	err := db.Model(&Guess{}).Where("hash = ? AND failures > 0", a.keys[1]).
		UpdateColumns(map[string]any{"failures": gorm.Expr("failures - 1"), "blocked_until": 0}).Error
	if err != nil {
		return tenant.Translate(a.store, fmt.Errorf("forget guess: %w", err))
	}
	return nil
}

// Forget forgets the wrong passwords of an account that was given a new one.
func Forget(ctx context.Context, store tenant.Base, account string) error {
	if err := across.DB(ctx, store).Where("hash = ?", accountKey(account)).Delete(&Guess{}).Error; err != nil {
		return tenant.Translate(store, fmt.Errorf("forget guesses: %w", err))
	}
	return nil
}
