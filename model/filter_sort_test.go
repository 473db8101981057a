package model_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	fp "github.com/scim2/filter-parser/v2"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/scim/filter"
)

// attribute is the path that a text names.
func attribute(text string) fp.AttributePath {
	p, err := filter.ParsePath(text)
	if err != nil {
		panic(err)
	}
	return p.AttributePath
}

// sortedStart is the place before all users without a title.
func sortedStart(s *model.Store) string {
	if model.OnPostgres(s) {
		return `[false, 0, false, "", ""]`
	}
	return `[false, 0, ""]`
}

// pages reads a list to its end by cursor.
func pages(t testing.TB, org *model.Org, directoryID string, q model.ResourceQuery) (names []string) {
	t.Helper()
	first := 0
	for q.Cursor = new(model.Cursor); q.Cursor != nil; {
		us, extent, err := org.DirectoryUsers(t.Context(), directoryID, q)
		must(t, err)
		for _, u := range us {
			names = append(names, u.UserName)
		}
		if first == 0 {
			first = extent.Total
		}
		if extent.Total != first {
			t.Errorf("the total is %d, then %d", first, extent.Total)
		}
		if len(us) == 0 && extent.Next != nil {
			t.Fatal("an empty page has a next one")
		}
		q.Cursor = extent.Next
	}
	return names
}

func TestSort(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		for _, u := range []map[string]any{
			{"userName": "c", "title": "Zoe", "displayName": "b", "externalId": "B", "active": true, "name": map[string]any{"familyName": "ö"},
				"emails": []any{map[string]any{"value": "z@x"}, map[string]any{"value": "a@x", "primary": true}}, "urn:x": map[string]any{"n": 10, "m": "text", "l": []any{2}}},
			{"userName": "A", "title": "adam", "displayName": "B", "externalId": "a", "active": false, "name": map[string]any{"familyName": "Z"},
				"emails": []any{map[string]any{"value": "b@x"}, map[string]any{"value": "a@x"}}, "urn:x": map[string]any{"n": 9, "m": 5, "l": []any{3, 1}}},
			{"userName": "d", "active": true, "name": map[string]any{"givenName": "x"}, "urn:x": map[string]any{"n": 9.5}},
			{"userName": "B", "title": "Adam", "active": true, "emails": []any{map[string]any{"value": "c@x"}}},
		} {
			_, err := org.CreateDirectoryUser(t.Context(), d.ID, u)
			must(t, err)
		}
		for by, want := range map[string]string{
			"userName": "A B c d", "displayName": "c A d B", "externalId": "c A d B", "active": "A c d B", "title": "A B c d", "name.familyName": "A c d B",
			"emails": "c A B d", "emails.value": "c A B d", "urn:x:n": "A d c B", "urn:x:m": "A c d B", "urn:x:l": "c A d B",
			"id": "c A d B", "meta.created": "c A d B", "meta.lastModified": "c A d B", "meta.version": "c A d B", "meta.location": "c A d B", "meta.resourceType": "c A d B",
			"urn:x:none": "c A d B",
		} {
			for _, descending := range []bool{false, true} {
				expected := strings.Fields(want)
				if descending {
					slices.Reverse(expected)
				}
				q := model.ResourceQuery{Sort: &model.Sort{By: attribute(by), Descending: descending}, Limit: 10}
				us, _, err := org.DirectoryUsers(t.Context(), d.ID, q)
				must(t, err)
				var got []string
				for _, u := range us {
					got = append(got, u.UserName)
				}
				if !slices.Equal(got, expected) {
					t.Errorf("by %s, descending %v: %v, want %v", by, descending, got, expected)
				}
				for q.Limit = range 5 {
					if q.Limit == 0 {
						continue
					}
					if got := pages(t, org, d.ID, q); !slices.Equal(got, expected) {
						t.Errorf("by %s, descending %v, in pages of %d: %v, want %v", by, descending, q.Limit, got, expected)
					}
				}
			}
		}
		for _, by := range []string{"groups", "schemas", "meta", "meta.owner"} {
			_, _, err := org.DirectoryUsers(t.Context(), d.ID, model.ResourceQuery{Sort: &model.Sort{By: attribute(by)}, Limit: 1})
			wantKind(t, err, model.Invalid, "sortBy")
		}
	})
}

func TestCursor(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		const size = 7
		all := []string{}
		byName := map[string]*model.User{}
		for i := range size {
			name := fmt.Sprint("user-", (i*3)%size)
			byName[name] = createUser(t, org, d, name)
			all = append(all, name)
		}
		for limit := 1; limit <= size+1; limit++ {
			if got := pages(t, org, d.ID, model.ResourceQuery{Limit: limit}); !slices.Equal(got, all) {
				t.Errorf("in pages of %d: %v, want %v", limit, got, all)
			}
		}
		t.Run("what comes and goes between two pages moves nothing else", func(t *testing.T) {
			q := model.ResourceQuery{Limit: 3, Cursor: new(model.Cursor)}
			first, extent, err := org.DirectoryUsers(t.Context(), d.ID, q)
			must(t, err)
			for _, u := range first { // the cursor's own row, too
				must(t, org.DeleteDirectoryUser(t.Context(), d.ID, u.ID))
			}
			createUser(t, org, d, "late")
			q.Cursor, q.Limit = extent.Next, 10
			rest, extent, err := org.DirectoryUsers(t.Context(), d.ID, q)
			must(t, err)
			var got []string
			for _, u := range rest {
				got = append(got, u.UserName)
			}
			if want := append(slices.Clone(all[3:]), "late"); !slices.Equal(got, want) || extent.Next != nil {
				t.Errorf("%v, want %v", got, want)
			}
		})
		t.Run("a cursor that nobody was given is refused", func(t *testing.T) {
			for _, place := range []string{"x", "[]", `[1]`, `["1", "x"]`, `[1, 2]`, `[true, "x"]`, `[1e999, "x"]`, `[1, "x", 2]`, `[null, null]`, `{}`, `[1, "\u0000"]`} {
				_, _, err := org.DirectoryUsers(t.Context(), d.ID, model.ResourceQuery{Limit: 1, Cursor: &model.Cursor{Place: place}})
				wantKind(t, err, model.Invalid, "cursor")
			}
		})
		t.Run("no resources by cursor, but their number", func(t *testing.T) {
			us, extent, err := org.DirectoryUsers(t.Context(), d.ID, model.ResourceQuery{Cursor: new(model.Cursor)})
			must(t, err)
			if len(us) != 0 || extent.Total != size-2 || extent.Next != nil {
				t.Errorf("%d users, %+v", len(us), extent)
			}
		})
	})
}
