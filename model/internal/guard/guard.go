// Package guard adds the organization to every statement of GORM, and refuses what it cannot bound.
//
// A row type with a field of type OrganizationID belongs to an organization. GORM asks that field
// for clauses. They add the organization's predicate to each read, update and delete, and set the
// organization of each new row. Guard refuses raw SQL, tables named by a text, and statements for
// which neither ForOrganization nor ForEveryone was called. The latter needs a key that only
// packages below model/internal can hold.
package guard

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"rollcall/model/internal/internal/unbounded"
)

// ErrNoTenant is the error of a statement for rows of organizations that did not come from an Org.
var ErrNoTenant = errors.New("model: statement outside an organization")

// OrganizationID names one organization. A row type with a field of this type belongs to an
// organization: GORM asks the field for clauses, which add the predicate to every read, update and
// delete, and set the organization of every new row. Without an Org such a statement fails with
// ErrNoTenant. It never returns the rows of all organizations.
type OrganizationID string

// tenantKey is the key of a statement's setting that has its OrganizationID, or everyone.
const tenantKey = "model:tenant"

// everyone marks the statements that see the rows of all organizations.
type everyone struct{}

// QueryClauses adds the organization's predicate to reads.
func (OrganizationID) QueryClauses(f *schema.Field) []clause.Interface {
	return []clause.Interface{owned{f}}
}

// UpdateClauses adds the organization's predicate to updates.
func (OrganizationID) UpdateClauses(f *schema.Field) []clause.Interface {
	return []clause.Interface{owned{f}}
}

// DeleteClauses adds the organization's predicate to deletes.
func (OrganizationID) DeleteClauses(f *schema.Field) []clause.Interface {
	return []clause.Interface{owned{f}}
}

// CreateClauses sets the organization of new rows.
func (OrganizationID) CreateClauses(f *schema.Field) []clause.Interface {
	return []clause.Interface{owning{f}}
}

// ForOrganization makes the statements of db those of one organization.
func ForOrganization(db *gorm.DB, id OrganizationID) *gorm.DB {
	return db.Set(tenantKey, id).Session(&gorm.Session{})
}

// ForEveryone makes the statements of db see all organizations.
func ForEveryone(db *gorm.DB, _ unbounded.Key) *gorm.DB {
	return db.Set(tenantKey, everyone{}).Session(&gorm.Session{})
}

// owned adds "organization_id = ?" to reads, updates and deletes.
type owned struct{ field *schema.Field }

func (owned) Name() string               { return "" }
func (owned) Build(clause.Builder)       {}
func (owned) MergeClause(*clause.Clause) {}

func (o owned) ModifyStatement(stmt *gorm.Statement) {
	if _, done := stmt.Clauses[tenantKey]; done {
		return
	}
	tenant, ok := stmt.Settings.Load(tenantKey)
	if !ok || stmt.SQL.Len() > 0 {
		_ = stmt.AddError(fmt.Errorf("%w: %s", ErrNoTenant, stmt.Table))
		return
	}
	stmt.Clauses[tenantKey] = clause.Clause{}
	if _, all := tenant.(everyone); all {
		return
	}
	// Parenthesize what the caller asked for: an OR must not escape the predicate.
	if c, ok := stmt.Clauses["WHERE"]; ok {
		if w, ok := c.Expression.(clause.Where); ok && len(w.Exprs) > 0 {
			w.Exprs = []clause.Expression{clause.And(w.Exprs...)}
			c.Expression = w
			stmt.Clauses["WHERE"] = c
		}
	}
	stmt.AddClause(clause.Where{Exprs: []clause.Expression{o.is(tenant)}})
}

func (o owned) is(tenant any) clause.Expression {
	return clause.Eq{Column: clause.Column{Table: clause.CurrentTable, Name: o.field.DBName}, Value: tenant}
}

// owning sets the organization of new rows, and refuses rows of another one.
type owning struct{ field *schema.Field }

func (owning) Name() string               { return "" }
func (owning) Build(clause.Builder)       {}
func (owning) MergeClause(*clause.Clause) {}

func (o owning) ModifyStatement(stmt *gorm.Statement) {
	tenant, ok := stmt.Settings.Load(tenantKey)
	if !ok {
		_ = stmt.AddError(fmt.Errorf("%w: %s", ErrNoTenant, stmt.Table))
		return
	}
	id, one := tenant.(OrganizationID)
	if !one {
		return
	}
	// An upsert must not take over another organization's row.
	if c, ok := stmt.Clauses["ON CONFLICT"]; ok {
		if oc, ok := c.Expression.(clause.OnConflict); ok && !oc.DoNothing {
			oc.Where.Exprs = append(oc.Where.Exprs, owned(o).is(id))
			c.Expression = oc
			stmt.Clauses["ON CONFLICT"] = c
		}
	}
	set := func(row reflect.Value) {
		current, zero := o.field.ValueOf(stmt.Context, row)
		if !zero && current != id {
			_ = stmt.AddError(fmt.Errorf("model: a %s row of another organization", stmt.Table))
			return
		}
		_ = stmt.AddError(o.field.Set(stmt.Context, row, id))
	}
	switch stmt.ReflectValue.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range stmt.ReflectValue.Len() {
			set(reflect.Indirect(stmt.ReflectValue.Index(i)))
		}
	case reflect.Struct:
		set(stmt.ReflectValue)
	}
}

// Guard makes db refuse the statements whose rows no predicate bounds: raw SQL, tables named by a
// text, and row types that belong to no organization.
func Guard(db *gorm.DB) error {
	check := func(db *gorm.DB) {
		tenant, ok := db.Statement.Settings.Load(tenantKey)
		if _, all := tenant.(everyone); all {
			return
		}
		if !ok || db.Statement.SQL.Len() > 0 || db.Statement.TableExpr != nil || !isOwned(db.Statement.Schema) {
			const why = "raw SQL, or a table without a model that belongs to an organization"
			_ = db.AddError(fmt.Errorf("%w: %s", ErrNoTenant, why))
		}
	}
	on := db.Callback()
	return errors.Join(
		on.Create().Before("gorm:before_create").Register(tenantKey, check),
		on.Query().Before("gorm:query").Register(tenantKey, check),
		on.Row().Before("gorm:row").Register(tenantKey, check),
		on.Update().Before("gorm:before_update").Register(tenantKey, check),
		on.Delete().Before("gorm:before_delete").Register(tenantKey, check),
		on.Raw().Before("gorm:raw").Register(tenantKey, check),
	)
}

// isOwned tells whether rows of a type belong to organizations.
func isOwned(s *schema.Schema) bool {
	return s != nil && slices.ContainsFunc(s.QueryClauses, func(c clause.Interface) bool {
		_, ok := c.(owned)
		return ok
	})
}
