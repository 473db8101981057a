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

// counter counts wrong guesses of one kind.
type counter struct {
	hash []byte
	free int // guesses that cost nothing
}

// Attempt is an attempt to sign in with a password. It counts as a failure from the start, so that
// a hundred attempts at once count as a hundred, whichever replica answers them. It has a place in
// the line of those who wait to be hashed, until Leave.
type Attempt struct {
	store    tenant.Base
	kind     kind
	counters []counter // that of the account or of the known browser first
	leave    func()
}

// Begin begins an attempt at an account. Guesses are counted for the account and for the sender's
// network: all addresses of an IPv6 /64 are one, and a /56 and a /48 have some more guesses. A
// browser that is known to the account has a counter of its own instead, as long as that need not
// wait. Begin answers Busy while the attempt has to wait, and says for how long, and Unavailable
// when too many are waiting to be hashed.
func Begin(ctx context.Context, store tenant.Base, account string, from Sender) (*Attempt, error) {
	if key := from.knownKey(store, account); key != nil {
		a := &Attempt{store: store, kind: knownBrowser, counters: []counter{{key, freeGuesses}}}
		if err := a.begin(ctx); model.KindOf(err) != model.Busy {
			return a.orNothing(err)
		}
	}
	a := &Attempt{store: store, kind: stranger, counters: []counter{{accountKey(account), freeGuesses}}}
	for i, network := range tenant.Networks(from.Address) {
		a.counters = append(a.counters, counter{tenant.HashToken("guess address\x00" + network), freeOfNetwork[i]})
	}
	return a.orNothing(a.begin(ctx))
}

// freeOfNetwork are the free guesses of an address, and of the two larger networks around one of
// IPv6, which many people may share.
var freeOfNetwork = [...]int{freeGuesses, 4 * freeGuesses, 16 * freeGuesses}

// orNothing returns the attempt unless there is an error.
func (a *Attempt) orNothing(err error) (*Attempt, error) {
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Leave gives up the place in the line.
func (a *Attempt) Leave() { a.leave() }

// begin takes a place in the line and counts the attempt.
func (a *Attempt) begin(ctx context.Context) (err error) {
	if a.leave, err = hasherOf(a.store).line.enter(a.kind); err != nil {
		return err
	}
	if err = a.countOrWait(ctx); err != nil {
		a.leave()
	}
	return err
}

// keys are the hashes of the counters.
func (a *Attempt) keys() (out [][]byte) {
	for _, c := range a.counters {
		out = append(out, c.hash)
	}
	return out
}

// countOrWait answers Busy while the attempt has to wait.
func (a *Attempt) countOrWait(ctx context.Context) error {
	wait, err := a.wait(ctx)
	if err == nil && wait == 0 {
		wait, err = a.count(ctx)
	}
	if err != nil {
		return tenant.Translate(a.store, err)
	}
	if wait > 0 {
		seconds := int((wait + time.Second - 1) / time.Second)
		return &model.Error{Kind: model.Busy,
			Message: fmt.Sprintf("too many attempts; try again in %d seconds", seconds)}
	}
	return nil
}

func accountKey(account string) []byte { return tenant.HashToken("guess account\x00" + account) }

// wait returns how long the next attempt has to wait. It writes nothing: somebody who has to wait
// may go on asking, about accounts that do not exist.
func (a *Attempt) wait(ctx context.Context) (time.Duration, error) {
	var rows []Guess
	if err := across.Read(ctx, a.store).Where("hash IN ?", a.keys()).Find(&rows).Error; err != nil {
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
		var rows []Guess
		free := map[string]int{}
		for _, c := range a.counters {
			rows, free[string(c.hash)] = append(rows, Guess{Hash: c.hash, LastAt: now}), c.free
		}
		// All transactions lock the rows in one order.
		slices.SortFunc(rows, func(a, b Guess) int { return bytes.Compare(a.Hash, b.Hash) })
		if err := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
			return fmt.Errorf("begin guesses: %w", err)
		}
		rows = nil
		locked := db.Clauses(clause.Locking{Strength: tenant.ToChange}).Where("hash IN ?", a.keys()).Order("hash")
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
			r.BlockedUntil = now + model.Time(pause(r.Failures-free[string(r.Hash)]).Milliseconds())
			row := db.Model(&Guess{}).Where("hash = ?", r.Hash).Select("Failures", "BlockedUntil", "LastAt")
			if err := row.UpdateColumns(&r).Error; err != nil {
				return fmt.Errorf("count guess: %w", err)
			}
		}
		return nil
	})
	return wait, err
}

// pause is how long the next attempt has to wait after so many failures beyond the free ones.
func pause(n int) time.Duration {
	if n <= 0 {
		return 0
	}
	if n > 10 {
		return longestPause
	}
	return min(time.Second<<n, longestPause)
}

// Succeed ends an attempt with the right password: the failures of the account or of the known
// browser are forgotten, and this attempt no longer counts against the networks.
func (a *Attempt) Succeed(ctx context.Context) error {
	db := across.DB(ctx, a.store)
	keys := a.keys()
	if err := db.Where("hash = ?", keys[0]).Delete(&Guess{}).Error; err != nil {
		return tenant.Translate(a.store, fmt.Errorf("forget guesses: %w", err))
	}
	if len(keys) == 1 {
		return nil
	}
	err := db.Model(&Guess{}).Where("hash IN ? AND failures > 0", keys[1:]).
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
