package search_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/search"
	"rollcall/model/store"
)

// pages reads a list page by page, by cursor.
func pages(t testing.TB, org *store.Org, directoryID string, q search.Query) (names []string) {
	t.Helper()
	first := 0
	for q.Cursor = new(search.Cursor); q.Cursor != nil; {
		us, extent, err := directory.Of(org, directoryID).Users(t.Context(), q)
		storetest.Must(t, err)
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

func TestSortByEachKindOfAttribute(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		for _, u := range []map[string]any{
			{"userName": "c", "title": "Zoe", "displayName": "b", "externalId": "B", "active": true,
				"name":   map[string]any{"familyName": "ö"},
				"emails": []any{map[string]any{"value": "z@x"}, map[string]any{"value": "a@x", "primary": true}},
				"urn:x":  map[string]any{"n": 10, "m": "text", "l": []any{2}}},
			{"userName": "A", "title": "adam", "displayName": "B", "externalId": "a", "active": false,
				"name":   map[string]any{"familyName": "Z"},
				"emails": []any{map[string]any{"value": "b@x"}, map[string]any{"value": "a@x"}},
				"urn:x":  map[string]any{"n": 9, "m": 5, "l": []any{3, 1}}},
			{"userName": "d", "active": true, "name": map[string]any{"givenName": "x"},
				"urn:x": map[string]any{"n": 9.5}},
			{"userName": "B", "title": "Adam", "active": true, "emails": []any{map[string]any{"value": "c@x"}}},
		} {
			_, err := directory.Of(org, d.ID).CreateUser(t.Context(), u)
			storetest.Must(t, err)
		}
		for by, want := range map[string]string{
			"userName": "A B c d", "displayName": "c A d B", "externalId": "c A d B", "active": "A c d B",
			"title": "A B c d", "name.familyName": "A c d B",
			"emails": "c A B d", "emails.value": "c A B d",
			"urn:x:n": "A d c B", "urn:x:m": "A c d B", "urn:x:l": "c A d B", "urn:x:none": "c A d B", "id": "c A d B",
			"meta.created": "c A d B", "meta.lastModified": "c A d B", "meta.version": "c A d B",
			"meta.location": "c A d B", "meta.resourceType": "c A d B",
		} {
			for _, descending := range []bool{false, true} {
				expected := strings.Fields(want)
				if descending {
					slices.Reverse(expected)
				}
				q := search.Query{Sort: &search.Sort{By: storetest.Attribute(by), Descending: descending}, Limit: 10}
				us, _, err := directory.Of(org, d.ID).Users(t.Context(), q)
				storetest.Must(t, err)
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
						t.Errorf("by %s, descending %v, in pages of %d: %v, want %v",
							by, descending, q.Limit, got, expected)
					}
				}
			}
		}
		for _, by := range []string{"groups", "schemas", "meta", "meta.owner"} {
			_, _, err := directory.Of(org, d.ID).Users(t.Context(),
				search.Query{Sort: &search.Sort{By: storetest.Attribute(by)}, Limit: 1})
			storetest.WantKind(t, err, model.Invalid, "sortBy")
		}
	})
}

func TestPagesByCursor(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		const size = 7
		all := []string{}
		byName := map[string]*people.User{}
		for i := range size {
			name := fmt.Sprint("user-", (i*3)%size)
			byName[name] = storetest.CreateUser(t, org, d, name)
			all = append(all, name)
		}
		for limit := 1; limit <= size+1; limit++ {
			if got := pages(t, org, d.ID, search.Query{Limit: limit}); !slices.Equal(got, all) {
				t.Errorf("in pages of %d: %v, want %v", limit, got, all)
			}
		}
		t.Run("what comes and goes between two pages moves nothing else", func(t *testing.T) {
			q := search.Query{Limit: 3, Cursor: new(search.Cursor)}
			first, extent, err := directory.Of(org, d.ID).Users(t.Context(), q)
			storetest.Must(t, err)
			for _, u := range first { // the cursor's own row, too
				storetest.Must(t, directory.Of(org, d.ID).DeleteUser(t.Context(), u.ID))
			}
			storetest.CreateUser(t, org, d, "late")
			q.Cursor, q.Limit = extent.Next, 10
			rest, extent, err := directory.Of(org, d.ID).Users(t.Context(), q)
			storetest.Must(t, err)
			var got []string
			for _, u := range rest {
				got = append(got, u.UserName)
			}
			if want := append(slices.Clone(all[3:]), "late"); !slices.Equal(got, want) || extent.Next != nil {
				t.Errorf("%v, want %v", got, want)
			}
		})
		t.Run("a cursor that nobody was given is refused", func(t *testing.T) {
			for _, place := range []string{"x", "[]", `[1]`, `["1", "x"]`, `[1, 2]`, `[true, "x"]`, `[1e999, "x"]`,
				`[1, "x", 2]`, `[null, null]`, `{}`, `[1, "\u0000"]`} {
				_, _, err := directory.Of(org, d.ID).Users(t.Context(),
					search.Query{Limit: 1, Cursor: &search.Cursor{Place: place}})
				storetest.WantKind(t, err, model.Invalid, "cursor")
			}
		})
		t.Run("no resources by cursor, but their number", func(t *testing.T) {
			us, extent, err := directory.Of(org, d.ID).Users(t.Context(), search.Query{Cursor: new(search.Cursor)})
			storetest.Must(t, err)
			if len(us) != 0 || extent.Total != size-2 || extent.Next != nil {
				t.Errorf("%d users, %+v", len(us), extent)
			}
		})
	})
}
