package tenant

import (
	"database/sql"
	"strings"

	"github.com/glebarez/sqlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// Dialect is which of the two databases the store is in.
type Dialect uint8

// The databases.
const (
	SqliteDialect Dialect = iota
	PostgresDialect
)

// Name returns the name of the database in the names of migrations.
func (d Dialect) Name() string {
	if d == PostgresDialect {
		return "postgres"
	}
	return "sqlite"
}

func (d Dialect) dialector(pool *sql.DB) gorm.Dialector {
	if d == PostgresDialect {
		return postgres.New(postgres.Config{Conn: pool})
	}
	return &sqlite.Dialector{Conn: pool}
}

// OneOf is the condition that a column is one of a list. The list is one parameter, a JSON array,
// so that a list of any length is one statement with one plan.
func (d Dialect) OneOf(column string) string {
	if d == PostgresDialect {
		return column + " = ANY(ARRAY(SELECT json_array_elements_text(?::json)))"
	}
	return column + " IN (SELECT value FROM json_each(?))"
}

// NoneOf is the opposite of OneOf. PostgreSQL always answers this form by hashing the list. It
// might answer an anti-join by a loop over the list for each row.
func (d Dialect) NoneOf(column string) string {
	if d == PostgresDialect {
		return column + " NOT IN (SELECT json_array_elements_text(?::json))"
	}
	return column + " NOT IN (SELECT value FROM json_each(?))"
}

// In is the condition that a column is among the rows of a sub-select, in the form that the planner
// answers from an index even inside an OR.
func (d Dialect) In(column, query string) string {
	if d == PostgresDialect {
		return column + " = ANY(ARRAY(" + query + "))"
	}
	return column + " IN (" + query + ")"
}

// Beside returns a column for a condition that must not choose the index, because another condition
// pinpoints rows. SQLite has no statistics without ANALYZE, and would prefer the index with the
// order of the list, and read all of it.
func (d Dialect) Beside(column string, pinpointed bool) string {
	if d == SqliteDialect && pinpointed {
		return "+" + column
	}
	return column
}

// Containing limits a query to rows whose column contains a text in any case, on SQLite for ASCII
// only. It is for searching a short list.
func (d Dialect) Containing(db *gorm.DB, column, text string) *gorm.DB {
	operator := " LIKE"
	if d == PostgresDialect {
		operator = " ILIKE"
	}
	text = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
	return db.Where(column+operator+` ? ESCAPE '\'`, "%"+text+"%")
}

// Batch returns how many rows of so many columns one INSERT has: below PostgreSQL's limit of 65,535
// parameters, and few on SQLite, whose driver searches for each parameter from the first one on.
func (d Dialect) Batch(columns int) int {
	if d == PostgresDialect {
		return 10_000 / columns
	}
	return 500 / columns
}
