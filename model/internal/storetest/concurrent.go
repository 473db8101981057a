package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/model/directory"
	"rollcall/model/store"
)

// Together runs n functions at once and returns their errors.
func Together(n int, run func(i int) error) []error {
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { errs[i] = run(i) })
	}
	wait.Wait()
	return errs
}

// Fill adds n users to a directory by one statement, copies of the first one, and returns their
// ids.
func Fill(t testing.TB, s *store.Store, org *store.Org, d *directory.Directory, n int) []string {
	t.Helper()
	first := CreateUser(t, org, d, "filler-0@contoso.example")
	// The ids of the others: the first one's beginning and a number of twelve digits.
	const others = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
	copied := func(table string, changed ...string) {
		var columns, values []string
		for _, of := range Tables(t, s) {
			if of.Name == table {
				columns = of.Columns
			}
		}
		for _, c := range columns {
			switch {
			case c == "id" || c == "user_id":
				c = "substr(t." + c + ", 1, 24) || substr(CAST(1000000000000 + i AS text), 2)"
			case c == "created_at":
				c = "t.created_at + i"
			case slices.Contains(changed, c):
				c = "replace(t." + c + ", 'filler-0@', 'filler-' || i || '@')"
			default:
				c = "t." + c
			}
			values = append(values, c)
		}
		owner := "id"
		if table == "user_values" {
			owner = "user_id"
		}
		insert := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") " + others + " SELECT " +
			strings.Join(values, ", ") + " FROM " + table + " t CROSS JOIN n WHERE t." + owner + " = ?"
		Must(t, Across(s, t.Context()).Exec(insert, n-1, first.ID).Error)
	}
	copied("users", "user_name", "user_name_folded", "external_id", "display_name", "display_name_folded",
		"email", "email_folded", "document")
	copied("user_values", "value_folded")
	all := []string{first.ID}
	for i := 1; i < n; i++ {
		all = append(all, first.ID[:24]+fmt.Sprintf("%012d", i))
	}
	return all
}

// pause stops the next statement of a store that contains a text, until the test sends to On.
type pause struct {
	At      chan string // the text to stop at
	Stopped chan bool
	On      chan bool
}

// NewPause returns a pause for one store.
func NewPause() pause { return pause{make(chan string, 1), make(chan bool), make(chan bool)} }

// Options returns the options of the store.
func (p pause) Options() store.Options {
	return store.Options{Statement: func(query string) {
		select {
		case text := <-p.At:
			if !strings.Contains(query, text) {
				p.At <- text
				return
			}
			p.Stopped <- true
			<-p.On
		default:
		}
	}}
}
