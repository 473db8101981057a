package console_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
)

// TestStatementsOfPages counts what each page asks of the database, however many rows it has; the
// limits are the numbers of today.
func TestStatementsOfPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		for i := range 60 {
			s.customer(fmt.Sprintf("Shop %d", i), fmt.Sprintf("shop%d.example", i))
		}
		org, path := s.customer("Contoso", "contoso.example", "second.example")
		c := s.trust(org, "Okta")
		s.trust(org, "Entra")
		d, _, err := directory.In(org).CreateDirectory(t.Context(), "People", directory.EntraDirectory)
		must(t, err)
		for i := range 60 {
			_, err = directory.Of(org, d.ID).CreateUser(t.Context(), map[string]any{
				"userName": fmt.Sprintf("person%d", i)})
			must(t, err)
		}
		s.settle()
		for range 3 {
			s.post(path+"/links", map[string][]string{"scopes": {"sso"}, "days": {"7"}})
		}
		for _, page := range []struct {
			path string
			most int
		}{
			{"/console", 4},
			{"/console?q=shop", 4},
			{"/console?q=shop7.example", 4},
			{path, 9},
			{path + "/members", 5},
			{path + "/connections/" + model.ConnectionPrefix.ID(c.ID) + "/logins", 9},
			{path + "/events", 6},
			{path + "/waiting", 7},
		} {
			asked := s.counter.During(func() { s.shows(s.get(page.path), http.StatusOK, "<h1>") })
			if len(asked) > page.most {
				t.Errorf("%s: %d statements, want at most %d:\n%s", page.path, len(asked), page.most,
					strings.Join(asked, "\n"))
			}
		}
	})
}
