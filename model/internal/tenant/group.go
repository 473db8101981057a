package tenant

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Increment is a column's value plus one, computed by the database.
func Increment(column string) clause.Expr { return gorm.Expr(column + " + 1") }
