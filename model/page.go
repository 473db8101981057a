package model

import (
	"fmt"
	"slices"

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
	for _, cursor := range []string{p.Before, p.After} {
		if cursor != "" && !isID(cursor) {
			return nil, PageInfo{}, Invalidf("after", "the cursor is not an id of this list")
		}
	}
	backward := p.Before != ""
	ascending := p.Ascending != backward // the direction in which this read walks
	switch {
	case backward && ascending, !backward && p.After != "" && ascending:
		db = db.Where("id > ?", p.Before+p.After)
	case backward || p.After != "":
		db = db.Where("id < ?", p.Before+p.After)
	}
	order := "id DESC"
	if ascending {
		order = "id"
	}
	var rows []T
	if err := db.Order(order).Limit(p.Limit + 1).Find(&rows).Error; err != nil {
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
		if backward && more || !backward && p.After != "" {
			info.Before = id(rows[0])
		}
		if backward || more {
			info.After = id(rows[len(rows)-1])
		}
	}
	return rows, info, nil
}
