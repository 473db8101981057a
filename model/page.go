package model

import (
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// Page is a place in a list that is ordered by creation, and how much of it is
// wanted. Before and After are stored ids; at most one of them is given.
type Page struct {
	Before    string
	After     string
	Limit     int
	Ascending bool // oldest first; the newest come first otherwise
}

// PageInfo holds the ids with which the neighboring pages are asked for; an
// empty one says that there is nothing on that side.
type PageInfo struct {
	Before string
	After  string
}

// paged reads one page of db, whose model's primary key is the time-sorted id.
func paged[T any](o *Org, db *gorm.DB, p Page, id func(T) string) ([]T, PageInfo, error) {
	rows, info, err := readPage(db, p, id)
	return rows, info, o.store.translate(err)
}

func readPage[T any](db *gorm.DB, p Page, id func(T) string) ([]T, PageInfo, error) {
	if cursor := p.cursor(); cursor != "" && !isID(cursor) {
		return nil, PageInfo{}, Invalidf(p.cursorName(), "the cursor is not an id of this list")
	}
	return walk(db, p, []string{"id"}, []any{p.cursor()}, id)
}

func (p Page) cursor() string { return p.Before + p.After }

// cursorName is the field in which the cursor was given.
func (p Page) cursorName() string {
	if p.Before != "" {
		return "before"
	}
	return "after"
}

// walk reads a page of a list that is ordered by columns; place holds what the
// row of the cursor has in them.
func walk[T any](db *gorm.DB, p Page, columns []string, place []any, id func(T) string) ([]T, PageInfo, error) {
	backward := p.Before != ""
	comparison, direction := " < ", " DESC"
	if p.Ascending != backward { // the direction in which this read walks
		comparison, direction = " > ", ""
	}
	list := strings.Join(columns, ", ")
	if p.cursor() != "" {
		db = db.Where("("+list+")"+comparison+"("+strings.Repeat("?, ", len(columns)-1)+"?)", place...)
	}
	var rows []T
	if err := db.Order(strings.Join(columns, direction+", ") + direction).Limit(p.Limit + 1).Find(&rows).Error; err != nil {
		return nil, PageInfo{}, fmt.Errorf("read page: %w", err)
	}
	more := len(rows) > p.Limit
	if more {
		rows = rows[:p.Limit]
	}
	if backward {
		slices.Reverse(rows)
	}
	var info PageInfo
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
