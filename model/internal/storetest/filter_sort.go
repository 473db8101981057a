package storetest

import (
	fp "github.com/scim2/filter-parser/v2"

	"rollcall/model/store"
	"rollcall/scim/filter"
)

// Attribute is the path that a text names.
func Attribute(text string) fp.AttributePath {
	p, err := filter.ParsePath(text)
	if err != nil {
		panic(err)
	}
	return p.AttributePath
}

// SortedStart is the place before all users without a title.
func SortedStart(s *store.Store) string {
	if OnPostgres(s) {
		return `[false, 0, false, "", ""]`
	}
	return `[false, 0, ""]`
}
