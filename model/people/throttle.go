package people

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
	// longestPause keeps a stranger from locking somebody out for good.
	longestPause = 15 * time.Minute
	// GuessesForgotten is how long wrong guesses count against the next ones.
	GuessesForgotten = 24 * time.Hour
)

// Guess counts the wrong passwords of one account or from one address, by a
// hash: the table names nobody.
type Guess struct {
	Hash         []byte `gorm:"primaryKey"`
	Failures     int
	BlockedUntil model.Time
	LastAt       model.Time
}

// Guessing is an attempt to sign in by a password, counted as a failure from
// the start: a hundred at once are a hundred, whichever replica they come to.
type Guessing struct {
	store Store
	keys  [][]byte
}

// Guess begins an attempt at an account from an address, each any text that
// names it for good; all addresses of an IPv6 /64 are one. It answers Busy, and says
// for how long, while one of the two must wait.
func (s Store) Guess(ctx context.Context, account, address string) (*Guessing, error) {
	g := &Guessing{s, [][]byte{accountKey(account), tenant.HashToken("guess address\x00" + network(address))}}
	wait, err := g.wait(ctx)
	if err == nil && wait == 0 {
		wait, err = g.begin(ctx)
	}
	if err != nil {
		return nil, tenant.Translate(s, err)
	}
	if wait > 0 {
		return nil, &model.Error{Kind: model.Busy, Message: fmt.Sprintf("too many attempts; try again in %d seconds", int((wait+time.Second-1)/time.Second))}
	}
	return g, nil
}

func accountKey(account string) []byte { return tenant.HashToken("guess account\x00" + account) }

// OperatorAccount and UserAccount name an account to Guess by its folded e-mail address.
func OperatorAccount(email string) string { return "operator\x00" + email }

func UserAccount(organization model.OrganizationID, email string) string {
	return "user\x00" + string(organization) + "\x00" + email
}

// ForgetGuesses forgets the wrong passwords of an account that was given a new one.
func (s Store) ForgetGuesses(ctx context.Context, account string) error {
	if err := across.DB(ctx, s).Where("hash = ?", accountKey(account)).Delete(&Guess{}).Error; err != nil {
		return tenant.Translate(s, fmt.Errorf("forget guesses: %w", err))
	}
	return nil
}

// wait is how long nobody may guess here. It writes nothing: whoever must wait may go on asking, about
// accounts that they make up.
func (g *Guessing) wait(ctx context.Context) (time.Duration, error) {
	var rows []Guess
	if err := across.Read(ctx, g.store).Where("hash IN ?", g.keys).Find(&rows).Error; err != nil {
		return 0, fmt.Errorf("read guesses: %w", err)
	}
	return longestWait(rows, model.TimeOf(g.store.Now())), nil
}

func longestWait(rows []Guess, now model.Time) (wait time.Duration) {
	for _, r := range rows {
		wait = max(wait, time.Duration(r.BlockedUntil-now)*time.Millisecond)
	}
	return wait
}

// begin counts the attempt, unless somebody who came at the same time was the last who need not wait.
func (g *Guessing) begin(ctx context.Context) (wait time.Duration, err error) {
	err = across.DB(ctx, g.store).Transaction(func(db *gorm.DB) error {
		now := model.TimeOf(g.store.Now())
		rows := []Guess{{Hash: g.keys[0], LastAt: now}, {Hash: g.keys[1], LastAt: now}}
		slices.SortFunc(rows, func(a, b Guess) int { return bytes.Compare(a.Hash, b.Hash) }) // all lock in one order
		if err := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
			return fmt.Errorf("begin guesses: %w", err)
		}
		rows = nil
		if err := db.Clauses(clause.Locking{Strength: tenant.ToChange}).Where("hash IN ?", g.keys).Order("hash").Find(&rows).Error; err != nil {
			return fmt.Errorf("read guesses: %w", err)
		}
		if wait = longestWait(rows, now); wait > 0 {
			return nil // who waits does not make it longer
		}
		for _, r := range rows {
			if r.LastAt < now-model.Time(GuessesForgotten.Milliseconds()) {
				r.Failures = 0
			}
			r.Failures, r.LastAt = r.Failures+1, now
			r.BlockedUntil = now + model.Time(pause(r.Failures).Milliseconds())
			if err := db.Model(&Guess{}).Where("hash = ?", r.Hash).Select("Failures", "BlockedUntil", "LastAt").UpdateColumns(&r).Error; err != nil {
				return fmt.Errorf("count guess: %w", err)
			}
		}
		return nil
	})
	return wait, err
}

// pause is how long nobody may guess after so many failures.
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

// Right ends an attempt that was none of guessing: the account's failures are
// forgotten, and the address has this one back.
func (g *Guessing) Right(ctx context.Context) error {
	db := across.DB(ctx, g.store)
	if err := db.Where("hash = ?", g.keys[0]).Delete(&Guess{}).Error; err != nil {
		return tenant.Translate(g.store, fmt.Errorf("forget guesses: %w", err))
	}
	err := db.Model(&Guess{}).Where("hash = ? AND failures > 0", g.keys[1]).
		UpdateColumns(map[string]any{"failures": gorm.Expr("failures - 1"), "blocked_until": 0}).Error
	if err != nil {
		return tenant.Translate(g.store, fmt.Errorf("forget guess: %w", err))
	}
	return nil
}
