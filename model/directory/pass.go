package directory

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// pass is the token by which an identity provider makes one request, or one operation of a bulk
// request. The token cache may be a second behind another replica. Whether the token is still
// there is therefore read anew for each request, where possible in the statement that does the
// work: a deleted token, directory or organization has no row of it.
type pass struct {
	token   string      // the id of the directory token
	expires *model.Time // nil: never
	at      time.Time   // when the token was last seen; zero before
}

// Contents returns the contents of the directory for one request with the token, or for one
// operation of a bulk request. Its changes answer Denied where the token has been deleted or has
// expired. What it has read counts once Confirm has agreed.
func (a *Access) Contents(org tenant.Bound) Contents {
	c := Of(org, a.Directory.ID)
	c.pass = &pass{token: a.Token.ID, expires: a.expires}
	return c
}

// Confirm answers Denied where the token of the request has been deleted or has expired. It costs
// a statement unless a statement of the request has seen the token.
func (c Contents) Confirm(ctx context.Context) error {
	if c.pass == nil || !c.pass.at.IsZero() {
		return nil
	}
	return c.look(ctx)
}

// look reads whether the token is there.
func (c Contents) look(ctx context.Context) error {
	var there bool
	err := tenant.Direct(ctx, c.org, tenant.Join("SELECT ", c.tokenThere()), func(rows *sql.Rows) error {
		return rows.Scan(&there)
	})
	if err != nil {
		return tenant.Translate(c.org, fmt.Errorf("look for token: %w", err))
	}
	return c.saw(there)
}

// tokenThere is a condition, and a column, that is true while the token is there. It does not
// depend on the row: the database evaluates it once in a statement.
func (c Contents) tokenThere() clause.Expr {
	switch {
	case c.pass == nil:
		return tenant.SQLTrue()
	case c.expired():
		return tenant.SQLFalse() // before anything is written
	}
	return clause.Expr{
		SQL:  "(SELECT id FROM directory_tokens WHERE organization_id = ? AND id = ?) IS NOT NULL",
		Vars: []any{string(c.org.ID), c.pass.token},
	}
}

// expired tells whether the token of the request has expired.
func (c Contents) expired() bool {
	return c.pass.expires != nil && *c.pass.expires <= model.TimeOf(tenant.StoreOf(c.org).Now())
}

// write runs a statement that writes where it sees the token. That the token expires meanwhile does
// not refuse what is written.
func (c Contents) write(ctx context.Context, org Org, query clause.Expr, into any) (done bool, err error) {
	done, err = tenant.Write(ctx, org, query, into)
	if done && err == nil && c.pass != nil {
		c.pass.at = tenant.StoreOf(c.org).Now()
	}
	return done, err
}

// saw notes what a statement has found of the token.
func (c Contents) saw(there bool) error {
	if c.pass == nil {
		return nil
	}
	if !there || c.expired() {
		c.pass.at = time.Time{}
		return errToken()
	}
	c.pass.at = tenant.StoreOf(c.org).Now()
	return nil
}

// forget has the next Confirm look again.
func (c Contents) forget() {
	if c.pass != nil {
		c.pass.at = time.Time{}
	}
}

// longWrite is how long a transaction may take before it looks for the token again at its end: it
// may have waited for locks, or have changed a hundred thousand members.
const longWrite = 250 * time.Millisecond

// atEnd has a transaction that took long look for the token again before it commits.
func (c Contents) atEnd(ctx context.Context) error {
	if c.pass == nil || tenant.StoreOf(c.org).Now().Sub(c.pass.at) < longWrite {
		return nil
	}
	return c.look(ctx)
}
