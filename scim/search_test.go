package scim_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/modeltest"
	"rollcall/model/store"
	"rollcall/scim"
)

const searchURN = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

func TestSearch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ada := c.create("/Users", fullUser)
		c.user("ben")
		c.group("Drivers", ada)
		tests := []struct{ path, request, query string }{
			{"/Users", `{"schemas":["` + searchURN + `"]}`, ""},
			// SCIM-SDK sends no body where it has nothing to ask for.
			{"/Users", "", ""},
			{"/Groups", " ", ""},
			{"", "", ""},
			{"/Users", `{"filter":"userName eq \"ADA\"","attributes":["name.givenName","emails"]}`,
				"?filter=" + url.QueryEscape(`userName eq "ada"`) + "&attributes=name.givenName,emails"},
			{"/Users", `{"excludedAttributes":["emails","meta"],"startIndex":2,"count":1}`,
				"?excludedAttributes=emails,meta&startIndex=2&count=1"},
			{"/Users", `{"ExcludedAttributes":"emails, title","StartIndex":"1","COUNT":"1"}`,
				"?excludedAttributes=emails,title&count=1"},
			{"/Users", `{"sortBy":"userName","sortOrder":"descending"}`, "?sortBy=userName&sortOrder=descending"},
			{"/Users", `{"filter":null,"attributes":null,"count":0,"unknown":"x"}`, "?count=0"},
			{"/Groups", `{"filter":"members eq \"` + ada + `\"","excludedAttributes":["members"]}`,
				"?excludedAttributes=members"},
			{"", `{"filter":"displayName pr or userName pr","count":2}`, "?count=2"},
		}
		for _, test := range tests {
			got := c.want(200, "POST", test.path+"/.search", test.request)
			want := c.want(200, "GET", test.path+test.query, "")
			if diff := cmp.Diff(want.body, got.body); diff != "" {
				t.Errorf("%s: %s", test.request, diff)
			}
		}
		c.want(200, "POST", "/users/.SEARCH/", `{}`)
		for _, path := range []string{"/Users/.search", "/Groups/.search", "/.search"} {
			for request, scimType := range map[string]string{
				`""`: "invalidSyntax", "[]": "invalidSyntax", "{": "invalidSyntax", "null": "invalidSyntax",
				"{} {}": "invalidSyntax", `{"count":"ten"}`: "invalidValue",
				`{"filter":["id pr","id pr"]}`: "invalidValue", `{"filter":{}}`: "invalidValue",
				`{"filter":true}`: "invalidValue", `{"filter":"nick eq 1"}`: "invalidFilter",
				`{"cursor":"x"}`: "invalidCursor",
			} {
				refused(t, c.do("POST", path, request), 400, scimType)
			}
			refused(t, c.do("POST", path, "{}", "Content-Type", "text/plain"), 415, "")
			refused(t, c.do("GET", path, ""), 405, "")
			if got := c.want(204, "OPTIONS", path, "").header.Get("Allow"); got != "OPTIONS, POST" {
				t.Errorf("Allow %q", got)
			}
		}
		deep := fmt.Sprintf(`{"filter":%q}`, strings.Repeat("(", 450_000))
		refused(t, c.do("POST", "/Users/.search", deep), 400, "invalidFilter")
	})
}

// names are the names of the resources of a list.
func (a reply) names() []string {
	var list []string
	for i, user := range a.values("userName") {
		list = append(list, user+a.values("displayName")[i])
	}
	return list
}

func TestQueryOfEverything(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		all := []string{"ada", "ben", "cy", "Drivers", "Pilots"}
		ada := c.create("/Users", `{"userName":"ada","title":"Pilot","externalId":"x"}`)
		c.user("cy")
		c.user("ben")
		c.create("/Groups", `{"displayName":"Pilots","externalId":"x","members":[{"value":"`+ada+`"}]}`)
		c.group("Drivers")
		for query, want := range map[string]string{
			`userName eq "ada"`:                                         "ada",
			`displayName eq "pilots"`:                                   "Pilots",
			`externalId eq "x"`:                                         "ada Pilots",
			`title pr or members pr`:                                    "ada Pilots",
			`title ne "x" and members eq null`:                          "ada ben cy Drivers",
			`not (userName pr)`:                                         "Drivers Pilots",
			`title eq null and userName ne null`:                        "ben cy",
			`members[value eq "` + ada + `"] or userName sw "c"`:        "cy Pilots",
			`meta.resourceType eq "Group"`:                              "Drivers Pilots",
			`schemas eq "` + coreUser + `"`:                             "ada ben cy",
			coreGroup + `:displayName sw "D"`:                           "Drivers",
			`meta.created gt "2001-01-01T00:00:00Z" and active ne true`: "Drivers Pilots",
		} {
			a := c.want(200, "GET", filtered("/", query)+"&sortBy=id", "")
			got := strings.Join(sorted(a.names()...), " ")
			if got != strings.Join(sorted(strings.Fields(want)...), " ") ||
				a.body["totalResults"] != float64(len(strings.Fields(want))) {
				t.Errorf("%s: %q of %v, want %q", query, got, a.body["totalResults"], want)
			}
		}
		for _, text := range []string{`nick eq "x"`, `active eq 5`, `active gt true`, `userName eq`} {
			refused(t, c.do("GET", filtered("/", text), ""), 400, "invalidFilter")
		}
		refused(t, c.do("GET", "/?sortBy=nick", ""), 400, "invalidValue", "sortBy")
		for count := 1; count <= len(all)+1; count++ {
			var byIndex []string
			for start := 1; start <= len(all); start += count {
				a := c.want(200, "GET", fmt.Sprintf("/?sortBy=displayName&startIndex=%d&count=%d", start, count), "")
				byIndex = append(byIndex, a.names()...)
				if a.body["totalResults"] != float64(len(all)) {
					t.Errorf("totalResults %v", a.body["totalResults"])
				}
			}
			if want := []string{"ada", "cy", "ben", "Drivers", "Pilots"}; !slices.Equal(byIndex, want) {
				t.Errorf("in pages of %d: %v, want %v", count, byIndex, want)
			}
			got := follow(t, c, fmt.Sprintf("/?sortBy=userName&count=%d", count), len(all))
			if !slices.Equal(got, []string{"ada", "ben", "cy", "Pilots", "Drivers"}) {
				t.Errorf("in pages of %d by cursor: %v", count, got)
			}
		}
		shown := c.want(200, "GET", "/?attributes=userName,displayName&startIndex=3&count=2", "")
		diff := cmp.Diff([]string{"id", "meta", "schemas", "userName"},
			keys(shown.path("Resources", 0).(map[string]any)))
		if diff != "" {
			t.Error(diff)
		}
		if n := c.want(200, "GET", "/?count=0", "").body["totalResults"]; n != 5.0 {
			t.Errorf("totalResults %v", n)
		}
	})
}

// follow reads a list to its end with cursors.
func follow(t *testing.T, c *client, path string, total int) (names []string) {
	t.Helper()
	for cursor := any(""); cursor != nil; {
		a := c.want(200, "GET", path+"&cursor="+cursor.(string), "")
		names = append(names, a.names()...)
		cursor = a.body["nextCursor"]
		n := len(a.values("id"))
		want := map[string]any{"schemas": []any{listURN}, "totalResults": float64(total), "itemsPerPage": float64(n),
			"Resources": a.body["Resources"]}
		if cursor != nil {
			want["nextCursor"] = cursor
			if text := cursor.(string); text == "" || text != url.QueryEscape(text) || n == 0 {
				t.Fatalf("%d resources with nextCursor %q", n, text)
			}
		}
		if diff := cmp.Diff(want, a.body); diff != "" {
			t.Fatal(diff)
		}
	}
	return names
}

// TestCursors tests RFC 9865.
func TestCursors(t *testing.T) {
	t.Parallel()
	clock := modeltest.NewClock()
	modeltest.EachWith(t, store.Options{Now: clock.Now}, func(t *testing.T, store *store.Store) {
		d := deployWith(t, scim.Server{Store: store, Now: clock.Now})
		c := d.client(d.organization("Northwind"))
		var users []string
		for i := range 5 {
			users = append(users, fmt.Sprint("user-", i))
			c.user(users[i])
			c.group(fmt.Sprint("group-", i))
		}
		for count := 1; count <= 6; count++ {
			for path, want := range map[string][]string{
				"/Users?":                                  users,
				"/Users?sortBy=meta.created":               users,
				"/Users?sortBy=title":                      users,
				filtered("/Users", `userName ne "user-2"`): {"user-0", "user-1", "user-3", "user-4"},
			} {
				if got := follow(t, c, fmt.Sprintf("%s&count=%d", path, count), len(want)); !slices.Equal(got, want) {
					t.Errorf("%s in pages of %d: %v", path, count, got)
				}
			}
			got := follow(t, c, fmt.Sprintf("/Groups?sortBy=displayName&sortOrder=descending&count=%d", count), 5)
			if got[0] != "group-4" || len(got) != 5 {
				t.Errorf("groups %v", got)
			}
		}
		next := func(path string) string { return c.want(200, "GET", path, "").body["nextCursor"].(string) }
		cursor := next("/Users?count=2&cursor=")
		request, err := json.Marshal(map[string]any{"cursor": cursor, "count": 2})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.want(200, "POST", "/Users/.search", string(request)).names(); !slices.Equal(got, users[2:4]) {
			t.Errorf("by .search: %v", got)
		}
		if a := c.want(200, "GET", "/Users?count=2", ""); a.body["nextCursor"] != nil || a.body["startIndex"] != 1.0 {
			t.Errorf("without a cursor: %s", a.text)
		}
		for _, query := range []string{
			"/Users?cursor=x", "/Users?cursor=" + cursor + "x", "/Groups?cursor=" + cursor, "/?cursor=" + cursor,
			"/Users?sortBy=userName&cursor=" + cursor,
			filtered("/Users", "title pr") + "&cursor=" + cursor, "/Users?cursor=" + cursor[:len(cursor)-4],
			"/Users?cursor=e30",
		} {
			refused(t, c.do("GET", query, ""), 400, "invalidCursor")
		}
		refused(t, c.do("GET", "/Users?cursor=&count=0", ""), 400, "invalidCount", "200")
		refused(t, c.do("GET", "/Users?cursor=&count=-1", ""), 400, "invalidCount")
		refused(t, c.do("GET", "/Users?cursor=&count=ten", ""), 400, "invalidCount")
		refused(t, c.do("GET", "/Users?cursor=&cursor=", ""), 400, "invalidValue", "cursor")
		clock.Advance(23 * time.Hour)
		c.want(200, "GET", "/Users?count=2&cursor="+cursor, "")
		clock.Advance(2 * time.Hour)
		refused(t, c.do("GET", "/Users?count=2&cursor="+cursor, ""), 400, "expiredCursor", "again")
	})
}
