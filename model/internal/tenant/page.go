package tenant

import (
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"rollcall/model"
)

// Paged reads one page of db, whose model's primary key is the time-sorted id.
func Paged[T any](h Base, db *gorm.DB, p model.Page, id func(T) string) ([]T, model.PageInfo, error) {
	rows, info, err := ReadPage(db, p, id)
	return rows, info, Translate(h, err)
}

func ReadPage[T any](db *gorm.DB, p model.Page, id func(T) string) ([]T, model.PageInfo, error) {
	if cursor := p.Cursor(); cursor != "" && !model.IsID(cursor) {
		return nil, model.PageInfo{}, model.Invalidf(p.CursorName(), "the cursor is not an id of this list")
	}
	return walk(db, p, []string{"id"}, []any{p.Cursor()}, id)
}

// walk reads a page of a list that is ordered by columns; place holds what the
// row of the cursor has in them.
func walk[T any](db *gorm.DB, p model.Page, columns []string, place []any, id func(T) string) ([]T, model.PageInfo, error) {
	backward := p.Before != ""
	comparison, direction := " < ", " DESC"
	if p.Ascending != backward { // the direction in which this read walks
		comparison, direction = " > ", ""
	}
	list := strings.Join(columns, ", ")
	if p.Cursor() != "" {
		db = db.Where("("+list+")"+comparison+"("+strings.Repeat("?, ", len(columns)-1)+"?)", place...)
	}
	var rows []T
	if err := db.Order(strings.Join(columns, direction+", ") + direction).Limit(p.Limit + 1).Find(&rows).Error; err != nil {
		return nil, model.PageInfo{}, fmt.Errorf("read page: %w", err)
	}
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
	return rows, info, nil
}
