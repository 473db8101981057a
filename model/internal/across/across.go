// Package across reaches the rows of all organizations.
//
// Some questions are asked before the organization is known, or by an operator who reaches all of
// them. Each statement with a database of this package must name what bounds it instead: a token,
// an id, a scope. The tables in cmd/rollcall/arch_test.go say which packages may import this one.
package across

import (
	"context"

	"gorm.io/gorm"

	"rollcall/model/internal/internal/unbounded"
	"rollcall/model/internal/tenant"
)

// DB returns the database without an organization, for writes and for reads that must see them.
func DB(ctx context.Context, of tenant.Base) *gorm.DB {
	return tenant.Across(ctx, of, unbounded.Key{})
}

// Read returns the database without an organization, for reads.
func Read(ctx context.Context, of tenant.Base) *gorm.DB {
	return tenant.ReadAcross(ctx, of, unbounded.Key{})
}

// In returns an organization's database without the predicate that names the organization, for
// statements that name it themselves. In a transaction it is the transaction's.
func In(ctx context.Context, org tenant.Bound) *gorm.DB {
	return tenant.Unbounded(ctx, org, unbounded.Key{})
}

// ReadIn is In for reads.
func ReadIn(ctx context.Context, org tenant.Bound) *gorm.DB {
	return tenant.ReadUnbounded(ctx, org, unbounded.Key{})
}
