package grant

import (
	"context"
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

// Refresh is what an application sends for another access token.
type Refresh struct {
	ApplicationID string
	Token         string
	Scope         string // less than what was granted; empty for all of it
	// Leeway is for how long a rotated token is still answered, with the same successor. Two tabs
	// refresh at once, and an answer can be lost: neither signs anybody out.
	Leeway time.Duration
}

// ErrScope is the error for a scope that was not granted.
var ErrScope error = model.Invalidf("scope", "scope has what was not granted")

// errReused ends the transaction of Refresh when a token was sent after its time.
var errReused = errors.New("the refresh token was rotated")

// Refresh makes another access token. The error is ErrGrant when the token is not good, and
// everything that it has opened ends when it was good once (RFC 9700, section 4.14.2).
//
// A family advances at most once in a leeway, so that all of many requests at once get one
// successor. The token and its application are checked before: who does not have both changes
// nothing.
func (s Store) Refresh(ctx context.Context, r Refresh) (out *Tokens, err error) {
	id, generation, ok := readRefreshToken(s, r.Token)
	if !ok {
		return nil, ErrGrant
	}
	var found *familyRow
	err = across.DB(ctx, s).Transaction(func(db *gorm.DB) error {
		rows, err := s.findFamily(db, id, r.ApplicationID, true)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return ErrGrant
		}
		found = &rows[0]
		out, err = s.refresh(ctx, db, found, generation, r)
		return err
	})
	switch {
	case errors.Is(err, errReused):
		return nil, errors.Join(s.endFamily(ctx, found, EndedReused), ErrGrant)
	case err != nil:
		return nil, tenant.Translate(s, err)
	}
	signon.InsideStore(tenant.InsideStore(s)).Use(ctx, &found.Row.SignedInRow)
	return out, nil
}

// refresh is the transaction of Refresh.
func (s Store) refresh(
	ctx context.Context, db *gorm.DB, f *familyRow, generation int64, r Refresh,
) (*Tokens, error) {
	now := model.TimeOf(s.Now())
	next, err := f.successor(generation, now, r.Leeway)
	if err != nil {
		return nil, err
	}
	g, err := f.Row.grant(f.Row.SignedIn())
	if err != nil {
		return nil, err
	}
	if g.Scope, err = narrowed(g.Scope, r.Scope); err != nil {
		return nil, err
	}
	if next > f.Generation {
		err := db.Model(&TokenFamily{}).Where("id = ? AND organization_id = ?", f.FamilyID, f.Row.OrganizationID).
			Select("Generation", "RotatedAt").UpdateColumns(&TokenFamily{Generation: next, RotatedAt: now}).Error
		if err != nil {
			return nil, fmt.Errorf("rotate refresh token: %w", err)
		}
	}
	out := &Tokens{Grant: g, Refresh: refreshToken(s, f.FamilyID, next)}
	return out, s.createAccess(db, out, f.CodeHash, now)
}

// successor returns the generation that answers one that was sent.
func (f *familyRow) successor(sent int64, now model.Time, leeway time.Duration) (int64, error) {
	young := now-f.RotatedAt < model.Time(leeway.Milliseconds())
	switch {
	case sent > f.Generation: // of a database that was restored
		return 0, ErrGrant
	case sent == f.Generation && !young:
		return f.Generation + 1, nil
	case sent == f.Generation, sent == f.Generation-1 && young:
		return f.Generation, nil
	}
	return 0, errReused
}

// narrowed returns the part of a granted scope that is asked for, or all of it.
func narrowed(granted, asked string) (string, error) {
	if asked == "" {
		return granted, nil
	}
	all, some := strings.Fields(granted), strings.Fields(asked)
	for _, scope := range some {
		if !slices.Contains(all, scope) {
			return "", ErrScope
		}
	}
	kept := slices.DeleteFunc(all, func(scope string) bool { return !slices.Contains(some, scope) })
	if len(kept) == 0 {
		return "", ErrScope
	}
	return strings.Join(kept, " "), nil
}

// Introspect returns what a token of an application grants, and whether it is a refresh token. The
// error is Denied for a token that grants nothing, and for one of another application.
func (s Store) Introspect(ctx context.Context, application, token string, leeway time.Duration) (*Grant, bool, error) {
	id, generation, isRefresh := readRefreshToken(s, token)
	if !isRefresh {
		g, err := s.Access(ctx, token)
		if err == nil && g.ApplicationID != application {
			err = errNoAccess
		}
		return g, false, err
	}
	rows, err := s.findFamily(across.Read(ctx, s), id, application, false)
	if err != nil {
		return nil, true, err
	}
	if len(rows) == 0 {
		return nil, true, errNoAccess
	}
	if _, err := rows[0].successor(generation, model.TimeOf(s.Now()), leeway); err != nil {
		return nil, true, errNoAccess
	}
	g, err := rows[0].Row.grant(rows[0].Row.SignedIn())
	return g, true, err
}
