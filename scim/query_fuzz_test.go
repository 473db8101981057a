package scim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"testing"

	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// own are the attributes whose values differ between the two databases.
var own = regexp.MustCompile(`(?i)\b(id|meta|members|groups|manager)\b`)

// FuzzQuery requests lists from servers on both databases. Each answer must be a list or an error
// of the request, and both servers must give the same answer.
func FuzzQuery(f *testing.F) {
	for _, seed := range [][3]string{
		{`userName eq "x" and (title pr or not (active eq true))`, "userName", ""},
		{`emails[type eq "work" and value co "@x"] or ims[not (type eq "a")]`, "emails", "descending"},
		{`emails[type eq "work"].value eq "ADA"`, "name.familyName", ""},
		{`urn:a:2.0:User:b.c gt -1.5e300`, "urn:a:2.0:User:b", "Ascending"},
		{`urn:x:y:z eq 1e-300 or urn:x:y:z le 9223372036854775807`, "urn:x:y:z", ""},
		{`meta.created gt "0001-01-01T00:00:00Z" and meta.lastModified lt "9999-12-31T23:59:59.999999999+23:59"`,
			"meta.created", ""}, {`meta.version eq "W/\"1\""`, "meta.version", ""},
		{`schemas co "urn"`, "id", ""}, {`groups.display sw "\ud800"`, "active", ""},
		{`manager ne "x" and title ew "\\$^.*+?()[]{}|/"`, "title", ""},
		{`nickName sw "` + "\U0010ffff" + `"`, "nickName", ""},
		{`members[value eq "x" or display co "%_"]`, "displayName", ""}, {`photos.value eq "X"`, "photos.value", ""},
		{`x509Certificates eq "MII="`, "x509Certificates", ""},
		{`addresses[primary ne false]`, "addresses.country", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	var clients []*client
	for _, db := range []modeltest.Database{modeltest.SQLite(f), modeltest.Postgres(f)} {
		c := newClient(f, modeltest.Open(f, db, store.Options{}))
		ada := c.create("/Users", fullUser)
		c.create("/Users",
			`{"userName":"ben","nickName":"\\$^.*","urn:x:y":{"z":[1,"a",true]},"urn:a:2.0:User":{"b":{"c":5}}}`)
		c.group("Drivers", ada)
		clients = append(clients, c)
	}
	f.Fuzz(func(t *testing.T, filter, by, order string) {
		for _, endpoint := range []string{"/Users", "/Groups", "/"} {
			query := url.Values{"filter": {filter}, "sortBy": {by}, "sortOrder": {order},
				"count": {"1"}, "cursor": {""}}
			var answers [2]struct {
				TotalResults *int
				Detail       string
			}
			for i, c := range clients {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet,
					c.base+endpoint+"?"+query.Encode(), nil)
				r.Header.Set("Authorization", "Bearer "+c.token)
				w := httptest.NewRecorder()
				c.handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
					t.Fatalf("%s %q by %q: %d %s\n%s", endpoint, filter, by, w.Code, w.Body, c.log)
				}
				if err := json.Unmarshal(w.Body.Bytes(), &answers[i]); err != nil {
					t.Fatal(err)
				}
			}
			a, b := answers[0], answers[1]
			if own.MatchString(filter) {
				continue
			}
			if (a.TotalResults == nil) != (b.TotalResults == nil) || a.TotalResults != nil &&
				*a.TotalResults != *b.TotalResults {
				t.Errorf("%s %q by %q: SQLite answers %+v, PostgreSQL %+v", endpoint, filter, by, a, b)
			}
		}
	})
}
