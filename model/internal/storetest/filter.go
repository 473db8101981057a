package storetest

import (
	"fmt"
	"strings"
	"testing"

	fp "github.com/scim2/filter-parser/v2"

	"rollcall/model/directory"
	"rollcall/model/search"
	"rollcall/model/store"
	"rollcall/scim/filter"
)

// Query is the query with a filter, or without one.
func Query(t testing.TB, text string) search.Query {
	t.Helper()
	q := search.Query{Limit: 100}
	if text != "" {
		var err error
		q.Filter, err = filter.Parse(text)
		Must(t, err)
	}
	return q
}

// Filtered returns the ids of the directory's users, or of its groups, that match.
func Filtered(t testing.TB, org *store.Org, directoryID, text string, groups bool) []string {
	t.Helper()
	found, total := []string{}, 0
	if groups {
		gs, extent, err := directory.Of(org, directoryID).Groups(t.Context(), Query(t, text))
		Must(t, err)
		for _, g := range gs {
			found = append(found, g.ID)
		}
		total = extent.Total
	} else {
		us, extent, err := directory.Of(org, directoryID).Users(t.Context(), Query(t, text))
		Must(t, err)
		for _, u := range us {
			found = append(found, u.ID)
		}
		total = extent.Total
	}
	if total != len(found) {
		t.Errorf("%d of %d resources are found", len(found), total)
	}
	return found
}

// Attribute returns the path that a text names.
func Attribute(text string) fp.AttributePath {
	p, err := filter.ParsePath(text)
	if err != nil {
		panic(err)
	}
	return p.AttributePath
}

// SortedStart returns the place before all users without a title.
func SortedStart(s *store.Store) string {
	if OnPostgres(s) {
		return `[false, 0, false, "", ""]`
	}
	return `[false, 0, ""]`
}

// Parameters counts the parameters of a statement of PostgreSQL.
func Parameters(query string) int {
	n := 0
	for strings.Contains(query, fmt.Sprint("$", n+1)) {
		n++
	}
	return n
}
