package scim_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

func TestAuthentication(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		revoked, revokedToken, err := directory.Of(c.org, c.directory.ID).CreateToken(t.Context(),
			"revoked", nil)
		if err != nil {
			t.Fatal(err)
		}
		c.want(200, "GET", "/Users", "", "Authorization", "Bearer "+revokedToken)
		if err := directory.Of(c.org, c.directory.ID).RevokeToken(t.Context(), revoked.ID); err != nil {
			t.Fatal(err)
		}
		tests := []struct {
			name, authorization string
			challenge           string // empty if the request is accepted
		}{
			{"the token", "Bearer " + c.token, ""},
			{"the scheme in lower case", "bearer " + c.token, ""},
			{"the scheme in upper case", "BEARER " + c.token, ""},
			{"more space", "  Bearer   " + c.token, ""},
			{"nothing", "", `Bearer realm="SCIM"`},
			{"an empty token", "Bearer ", `Bearer realm="SCIM"`},
			{"no scheme", c.token, `Bearer realm="SCIM"`},
			{"another scheme", "Basic " + c.token, `Bearer realm="SCIM"`},
			{"a wrong token", "Bearer x" + c.token, `Bearer realm="SCIM", error="invalid_token"`},
			{"a longer token", "Bearer " + c.token + "x", `Bearer realm="SCIM", error="invalid_token"`},
			{"a token with a zero byte", "Bearer " + c.token + "%00", `Bearer realm="SCIM", error="invalid_token"`},
			{"a revoked token", "Bearer " + revokedToken, `Bearer realm="SCIM", error="invalid_token"`},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				for _, path := range []string{"/Users", "/ServiceProviderConfig"} {
					a := c.do("GET", path, "", "Authorization", test.authorization)
					if test.challenge == "" {
						if a.status != 200 {
							t.Errorf("%s: %d %s", path, a.status, a.text)
						}
						continue
					}
					refused(t, a, 401, "", "token")
					if got := a.header.Get("WWW-Authenticate"); got != test.challenge {
						t.Errorf("WWW-Authenticate %q, want %q", got, test.challenge)
					}
				}
			})
		}
		t.Run("two headers are not believed", func(t *testing.T) {
			h := http.Header{"Authorization": {"Bearer " + c.token, "Bearer " + c.token}}
			refused(t, c.send("GET", c.base+"/Users", nil, h), 401, "")
		})
	})
}

func TestExpiredToken(t *testing.T) {
	t.Parallel()
	clock := modeltest.NewClock()
	modeltest.EachWith(t, store.Options{Now: clock.Now}, func(t *testing.T, store *store.Store) {
		c := newClient(t, store)
		expires := model.TimeOf(clock.Now().Add(time.Hour))
		_, token, err := directory.Of(c.org, c.directory.ID).CreateToken(t.Context(), "short", &expires)
		if err != nil {
			t.Fatal(err)
		}
		c.want(200, "GET", "/Users", "", "Authorization", "Bearer "+token)
		clock.Advance(time.Hour)
		refused(t, c.do("GET", "/Users", "", "Authorization", "Bearer "+token), 401, "", "expired")
		c.want(200, "GET", "/Users", "")
	})
}

// TestAuthenticationComesFirst sends requests that are also wrong in every other way.
func TestAuthenticationComesFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		for _, r := range []struct{ method, path, body string }{
			{"GET", "/Schemas", ""}, {"GET", "/ResourceTypes", ""}, {"GET", "/Nothing", ""}, {"GET", "", ""},
			{"OPTIONS", "/Users", ""}, {"DELETE", "/Users", ""}, {"POST", "/Schemas", "{}"},
			{"POST", "/Users", `{"userName":"eve"}`}, {"POST", "/Users", "{"}, {"GET", "/Users?filter=x", ""},
		} {
			refused(t, c.do(r.method, r.path, r.body, "Authorization", "", "Content-Type", "text/plain"), 401, "")
		}
		t.Run("the body is not read", func(t *testing.T) {
			r := httptest.NewRequest("POST", c.base+"/Users", unread{t})
			w := httptest.NewRecorder()
			c.handler.ServeHTTP(w, r)
			if w.Code != 401 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
		if n := c.want(200, "GET", "/Users", "").body["totalResults"]; n != 0.0 {
			t.Errorf("%v users were made without a token", n)
		}
	})
}

// unread is a body that fails the test when it is read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, io.EOF
}

// TestIsolation has one organization with two directories and another organization with one. The
// other directories must not find, reference or change anything in the first.
func TestIsolation(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, store *store.Store) {
		d := deploy(t, store)
		northwind := d.organization("Northwind")
		mine := d.client(northwind)
		user := mine.create("/Users",
			`{"userName":"ada@northwind.example","externalId":"A","emails":[{"value":"ada@northwind.example"}]}`)
		group := mine.group("Drivers", user)
		before := mine.want(200, "GET", "/Groups/"+group, "").text + mine.want(200, "GET", "/Users/"+user, "").text

		for name, other := range map[string]*client{
			"another directory of the organization": d.client(northwind),
			"another organization":                  d.client(d.organization("Contoso")),
		} {
			t.Run(name, func(t *testing.T) {
				own := other.user("own-" + name)
				ownGroup := other.group("Drivers", own)

				t.Run("its token does not open the directory", func(t *testing.T) {
					theirs := &client{d, other.org, other.directory, other.token, mine.base, mine.location}
					for _, path := range []string{"/Users", "/Users/" + user, "/Schemas", "/Nothing"} {
						refused(t, theirs.do("GET", path, ""), 404, "", "base URL")
					}
					refused(t, theirs.do("DELETE", "/Users/"+user, ""), 404, "")
				})
				t.Run("ids of others name nothing", func(t *testing.T) {
					for _, r := range []struct{ method, path, body string }{
						{"GET", "/Users/" + user, ""},
						{"PUT", "/Users/" + user, `{"userName":"eve"}`},
						{"PATCH", "/Users/" + user, patchOf(`[{"op":"replace","path":"active","value":false}]`)},
						{"DELETE", "/Users/" + user, ""},
						{"GET", "/Groups/" + group, ""},
						{"PUT", "/Groups/" + group, `{"displayName":"Thieves"}`},
						{"PATCH", "/Groups/" + group, patchOf(`[{"op":"remove","path":"members"}]`)},
						{"DELETE", "/Groups/" + group, ""},
					} {
						a := other.do(r.method, r.path, r.body)
						refused(t, a, 404, "", r.path[strings.LastIndexByte(r.path, '/')+1:])
					}
				})
				t.Run("their users cannot be made members", func(t *testing.T) {
					a := other.do("PATCH", "/Groups/"+ownGroup,
						patchOf(`[{"op":"add","path":"members","value":[{"value":"`+user+`"}]}]`))
					refused(t, a, 400, "invalidValue", user)
					refused(t, other.do("POST", "/Groups", `{"displayName":"Mixed","members":[{"value":"`+user+`"}]}`),
						400, "invalidValue", user)
				})
				t.Run("filters find only its own", func(t *testing.T) {
					for _, path := range []string{
						filtered("/Users", `id eq "`+user+`"`),
						filtered("/Users", `userName eq "ada@northwind.example"`),
						filtered("/Users", `externalId eq "A"`),
						filtered("/Users", `emails.value eq "ada@northwind.example"`),
						filtered("/Groups", `members.value eq "`+user+`"`),
						filtered("/Groups", `id eq "`+group+`"`),
					} {
						if a := other.want(200, "GET", path, ""); a.body["totalResults"] != 0.0 {
							t.Errorf("%s: %s", path, a.text)
						}
					}
					if got := other.want(200, "GET", "/Users", "").values("id"); len(got) != 1 || got[0] != own {
						t.Errorf("users %v", got)
					}
				})
			})
		}
		after := mine.want(200, "GET", "/Groups/"+group, "").text + mine.want(200, "GET", "/Users/"+user, "").text
		if before != after {
			t.Errorf("changed by others:\n%s\n%s", before, after)
		}
	})
}

func TestDirectoryID(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		h := func() http.Header { return http.Header{"Authorization": {"Bearer " + c.token}} }
		id := model.DirectoryPrefix.ID(c.directory.ID)
		lower := "directory_" + strings.ToLower(strings.TrimPrefix(id, "directory_"))
		a := c.send("GET", "/scim/v2/"+lower+"/ResourceTypes/User", nil, h())
		if a.status != 200 || a.path("meta", "location") != c.location+"/ResourceTypes/User" {
			t.Errorf("lower case: %d %s", a.status, a.text)
		}
		for _, path := range []string{c.directory.ID, "user" + strings.TrimPrefix(id, "directory"), id + "0",
			"directory_", "x"} {
			refused(t, c.send("GET", "/scim/v2/"+path+"/Users", nil, h()), 404, "", "base URL")
		}
	})
}
