package tenant

import (
	"context"
	"sync"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/guard"
	"rollcall/model/internal/pool"
)

// Org is the store as one organization sees it, for one actor. What can be done in it is in the
// packages below model, each entered by its In. Each of their methods is atomic by itself, and Tx
// groups several.
type Org struct {
	ID    model.OrganizationID
	by    model.Actor
	store *Store
	in    *gorm.DB     // the transaction's access to the database; nil outside Tx
	tx    *transaction // nil outside Tx
}

// Org returns the store as one organization sees it, for an actor. It does not check whether the
// organization exists: without one, all its reads are empty.
func (s *Store) Org(id model.OrganizationID, by model.Actor) *Org {
	return &Org{ID: id, by: by, store: s}
}

// db is the organization's database. It is made for each use: what identity providers cause by the
// thousand goes by Direct, which needs none.
func (o *Org) db() *gorm.DB {
	if o.in != nil {
		return o.in
	}
	return guard.ForOrganization(o.store.db, o.ID)
}

// read is db for reads.
func (o *Org) read() *gorm.DB {
	if o.in != nil {
		return o.in
	}
	return guard.ForOrganization(o.store.read, o.ID)
}

// Tx runs fn in one transaction with the events that it records. Inside, use the Org that fn gets.
// A Tx within a Tx joins it. An error that fn returns undoes everything. So does an error of a
// joined Tx or of a method, even when fn goes on after it, because no method may be committed by
// half. Others see nothing before the transaction is committed.
func (o *Org) Tx(ctx context.Context, fn func(org *Org) error) error {
	if o.tx != nil {
		err := fn(o)
		if err != nil && o.tx.failed == nil {
			o.tx.failed = err
		}
		return err
	}
	org := o.collecting(false)
	after := sync.OnceFunc(func() {
		for _, fn := range org.tx.after {
			fn()
		}
	})
	err := o.db().WithContext(pool.WhenCommitted(ctx, after)).Transaction(func(db *gorm.DB) error {
		org.in = db.Session(&gorm.Session{})
		if err := fn(org); err != nil {
			return err
		}
		if org.tx.failed != nil {
			return org.tx.failed
		}
		if err := o.store.BeforeCommit(ctx, org); err != nil {
			return err
		}
		return org.writeEvents(ctx)
	})
	if err != nil {
		return Translate(o.store, err)
	}
	after()
	return nil
}
