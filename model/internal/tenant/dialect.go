package tenant

import (
	"strings"

	"github.com/glebarez/sqlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"rollcall/model/internal/pool"
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

func (d Dialect) dialector(of *pool.Limited) gorm.Dialector {
	if d == PostgresDialect {
		return postgres.New(postgres.Config{Conn: of})
	}
	return &sqlite.Dialector{Conn: of}
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

// EachOf is OneOf beside a column with one value, for a table whose key has both columns and whose
// rows nothing updates. PostgreSQL looks up each of the list. It might otherwise read all rows with
// the one value, while it believes that they are few.
func (d Dialect) EachOf(table, column, beside string) string {
	if d == PostgresDialect {
		return "ctid = ANY(ARRAY(SELECT f.ctid FROM json_array_elements_text(?::json) e (id), LATERAL (" +
			"SELECT ctid FROM " + table + " WHERE " + column + " = e.id AND " + beside + " = ? OFFSET 0) f))"
	}
	return d.OneOf(column) + " AND " + beside + " = ?"
}

// In is the condition that a column is among the rows of a sub-select, in the form that the planner
// answers from an index even inside an OR.
func (d Dialect) In(column, query string) string {
	if d == PostgresDialect {
		return column + " = ANY(ARRAY(" + query + "))"
	}
	return column + " IN (" + query + ")"
}

// Beside returns a text column for a condition that must not choose the index, because another
// condition pinpoints rows: no index has this expression, and it fulfills the condition of none.
// Without statistics of its tables as they are, either database may prefer the index with the order
// of the list, and read all of it.
func Beside(column string) string { return "NULLIF(" + column + ", '')" }

// IsBeside is the condition that a column has the value of a parameter, see Beside.
func IsBeside(column string) string { return Beside(column) + " = ?" }

// Listed returns a text column for a condition that asks for a list in the order of its creation.
// An index with this expression answers it, and answers nothing else.
func Listed(column string) string { return "(" + column + " || '')" }

// Join is a part of FROM after other parts: for each of their rows, the rows of a table for which
// on is true. PostgreSQL cannot change that order. It might begin with another table while it
// believes that the table has one row, and would then read all of it. columns are those that the
// rest of the statement uses.
func (d Dialect) Join(kind, table, alias, columns, on string) string {
	if d == PostgresDialect {
		return " " + kind + " LATERAL (SELECT " + columns + " FROM " + table + " " + alias +
			" WHERE " + on + " OFFSET 0) " + alias + " ON true"
	}
	if kind == "JOIN" {
		kind = "CROSS JOIN" // which SQLite does not reorder
	}
	return " " + kind + " " + table + " " + alias + " ON " + on
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
