package tenant

import (
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"rollcall/model"
)

// ByID reads the row with an id. The error for a row that is not there calls it what.
func ByID(h Bound, db *gorm.DB, into any, what, id string) error {
	if model.IsID(id) {
		r := db.Where("id = ?", id).Limit(1).Find(into)
		if r.Error != nil {
			return Translate(h, fmt.Errorf("read %s: %w", what, r.Error))
		}
		if r.RowsAffected == 1 {
			return nil
		}
	}
	return model.NotFoundf("there is no %s %.64q here", what, id)
}

// Paged is ReadPage with its error translated.
func Paged[T any](h Base, db *gorm.DB, p model.Page, id func(T) string) ([]T, model.PageInfo, error) {
	rows, info, err := ReadPage(db, p, id)
	return rows, info, Translate(h, err)
}

// ReadPage reads one page of the rows of db, whose primary key is an id that sorts by time.
func ReadPage[T any](db *gorm.DB, p model.Page, id func(T) string) ([]T, model.PageInfo, error) {
	if cursor := p.Cursor(); cursor != "" && !model.IsID(cursor) {
		return nil, model.PageInfo{}, model.Invalidf(p.CursorName(), "the cursor is not an id of this list")
	}
	db = db.Where("id > ''") // for which the index of the list is
	return walk(db, p, []string{"id"}, []any{p.Cursor()}, id)
}

// ordering returns how a page is read: the comparison of its rows with the cursor, and what follows
// a column in ORDER BY. The rows of a page before a cursor are read backwards.
func ordering(p model.Page) (comparison, direction string) {
	if p.Ascending != (p.Before != "") { // this read goes forward in time
		return " > ", ""
	}
	return " < ", " DESC"
}

// walk reads a page of a list that is ordered by columns. place has the values of these columns in
// the row of the cursor.
func walk[T any](
	db *gorm.DB, p model.Page, columns []string, place []any, id func(T) string,
) ([]T, model.PageInfo, error) {
	comparison, direction := ordering(p)
	list := strings.Join(columns, ", ")
	if p.Cursor() != "" {
		db = db.Where("("+list+")"+comparison+"("+strings.Repeat("?, ", len(columns)-1)+"?)", place...)
	}
	var rows []T
	order := strings.Join(columns, direction+", ") + direction
	if err := db.Order(order).Limit(p.Limit + 1).Find(&rows).Error; err != nil {
		return nil, model.PageInfo{}, fmt.Errorf("read page: %w", err)
	}
	rows, info := cut(rows, p, id)
	return rows, info, nil
}

// cut makes a page of the rows that were read for it, of which there may be one more than it shows.
func cut[T any](rows []T, p model.Page, id func(T) string) ([]T, model.PageInfo) {
	backward := p.Before != ""
	more := len(rows) > p.Limit
	if more {
		rows = rows[:p.Limit]
	}
	if backward {
		slices.Reverse(rows)
	}
	var info model.PageInfo
	if len(rows) > 0 {
		if backward && more || p.After != "" {
			info.Before = id(rows[0])
		}
		if backward || more {
			info.After = id(rows[len(rows)-1])
		}
	}
	return rows, info
}
