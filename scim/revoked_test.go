package scim_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/store"
	"rollcall/scim"
)

// replicas deploys two servers on one database. Their clock stands still: what one of them
// remembers of a token does not grow old during the test.
func replicas(t *testing.T, db modeltest.Database) (here *client, there *deployment) {
	clock := modeltest.NewClock()
	here = newClient(t, modeltest.Open(t, db, store.Options{Now: clock.Now}))
	return here, deploy(t, modeltest.Open(t, db, store.Options{Now: clock.Now}))
}

// at is the client with another server and token.
func (c *client) at(d *deployment, token string) *client {
	return &client{d, c.org, c.directory, token, c.base, c.location}
}

// accessToken exchanges new client credentials for an access token.
func (c *client) accessToken(t *testing.T) (credentials, token string) {
	t.Helper()
	made, secret, err := directory.Of(c.org, c.directory.ID).CreateClient(t.Context(), "credentials", nil)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {made.ClientID()}, "client_secret": {secret}}
	answer, err := http.PostForm(c.url+"/scim/oauth2/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), `"access_token":"`)
	token, _, _ = strings.Cut(rest, `"`)
	return made.ID, token
}

// TestWhatEndsATokenEndsItEverywhere checks that no replica takes a token any more from the moment
// on in which another one has answered that it is gone: what an attacker holds must not bring back
// an account while the customer believes it shut.
func TestWhatEndsATokenEndsItEverywhere(t *testing.T) {
	t.Parallel()
	bearer := func(t *testing.T, c *client) (string, string) {
		made, token, err := directory.Of(c.org, c.directory.ID).CreateToken(t.Context(), "second", nil)
		if err != nil {
			t.Fatal(err)
		}
		return made.ID, token
	}
	revoked := func(t *testing.T, c *client, token string) error {
		return directory.Of(c.org, c.directory.ID).RevokeToken(t.Context(), token)
	}
	tests := []struct {
		name  string
		token func(*testing.T, *client) (id, token string)
		end   func(t *testing.T, c *client, id string) error
	}{
		{"a token is deleted", bearer, revoked},
		{"client credentials are deleted", func(t *testing.T, c *client) (string, string) { return c.accessToken(t) },
			revoked},
		{"the directory is deleted", bearer, func(t *testing.T, c *client, _ string) error {
			return directory.In(c.org).DeleteDirectory(t.Context(), c.directory.ID)
		}},
		{"the organization is deleted", bearer, func(t *testing.T, c *client, _ string) error {
			return operator.In(c.org).DeleteOrganization(t.Context())
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
				here, server := replicas(t, db)
				ada, ben := here.user("ada"), here.user("ben")
				group := here.group("Drivers", ada)
				id, token := test.token(t, here)
				there := here.at(server, token)
				there.want(200, "GET", "/Users/"+ada, "")
				if err := test.end(t, here, id); err != nil {
					t.Fatal(err)
				}
				for _, r := range everyRequest(ada, ben, group) {
					a := there.do(r.method, r.path, r.body)
					refused(t, a, 401, "", "revoked")
					if got := a.header.Get("WWW-Authenticate"); got != `Bearer realm="SCIM", error="invalid_token"` {
						t.Errorf("%s %s: WWW-Authenticate %q", r.method, r.path, got)
					}
				}
				if test.name == "a token is deleted" || test.name == "client credentials are deleted" {
					if n := here.want(200, "GET", "/Users", "").body["totalResults"]; n != 2.0 {
						t.Errorf("there are %v users", n)
					}
				}
			})
		})
	}
}

type someRequest struct{ method, path, body string }

// everyRequest is one request of each kind, and some that fail before they reach the database.
func everyRequest(user, other, group string) []someRequest {
	active := patchOf(`[{"op":"replace","path":"active","value":true}]`)
	members := patchOf(`[{"op":"add","path":"members","value":[{"value":"` + other + `"}]}]`)
	return []someRequest{
		{"GET", "/Users", ""}, {"GET", "/Users/" + user, ""}, {"GET", "/Groups", ""}, {"GET", "/Groups/" + group, ""},
		{"GET", filtered("/Users", `userName eq "ada"`), ""}, {"GET", filtered("/Users", `userName eq "no"`), ""},
		{"GET", "/Users?cursor=", ""}, {"GET", "/Users?count=0", ""}, {"GET", "/", ""}, {"GET", "/Schemas", ""},
		{"POST", "/Users/.search", `{"filter":"userName eq \"ada\""}`},
		{"POST", "/Users", `{"userName":"eve"}`}, {"POST", "/Users", `{`}, {"GET", "/Nothing", ""},
		{"PUT", "/Users/" + user, `{"userName":"eve"}`}, {"PATCH", "/Users/" + user, active},
		{"PATCH", "/Users/" + user, patchOf(`[{"op":"replace","path":"active","value":false}]`)},
		{"POST", "/Groups", `{"displayName":"Thieves"}`}, {"PATCH", "/Groups/" + group, members},
		{"PUT", "/Groups/" + group, `{"displayName":"Thieves"}`}, {"DELETE", "/Groups/" + group, ""},
		{"DELETE", "/Users/" + user, ""},
		{"POST", "/Bulk", bulkOf(`{"method":"POST","path":"/Users","bulkId":"1","data":{"userName":"eve"}}`)},
	}
}

// TestTokenGoesWhileTheBodyArrives sends half of a body, has another replica delete the token, and
// sends the rest: the request is carried out only after that.
func TestTokenGoesWhileTheBodyArrives(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		here, server := replicas(t, db)
		made, token, err := directory.Of(here.org, here.directory.ID).CreateToken(t.Context(), "second", nil)
		if err != nil {
			t.Fatal(err)
		}
		there := here.at(server, token)
		there.want(200, "GET", "/Users", "")
		body, rest := io.Pipe()
		go func() {
			_, _ = io.WriteString(rest, `{"userName":`) // returns once it is read
			if err := directory.Of(here.org, here.directory.ID).RevokeToken(t.Context(), made.ID); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(rest, `"eve"}`)
			_ = rest.Close()
		}()
		refused(t, there.send("POST", there.base+"/Users", body, http.Header{"Authorization": {"Bearer " + token}}),
			401, "", "revoked")
		if n := here.want(200, "GET", "/Users", "").body["totalResults"]; n != 0.0 {
			t.Errorf("there are %v users", n)
		}
	})
}

// TestTokenGoesDuringABulk has the token deleted between two operations of a bulk request, at the
// same replica and at another.
func TestTokenGoesDuringABulk(t *testing.T) {
	t.Parallel()
	for _, elsewhere := range []bool{false, true} {
		modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
			first := modeltest.Open(t, db, store.Options{})
			before := func() {} // each operation
			server := scim.Server{Store: first, Now: func() time.Time {
				before()
				return time.Now()
			}}
			d := deployWith(t, server)
			c := d.client(d.organization("Northwind"))
			made, token, err := directory.Of(c.org, c.directory.ID).CreateToken(t.Context(), "second", nil)
			if err != nil {
				t.Fatal(err)
			}
			by := c.org
			if elsewhere {
				by = modeltest.Open(t, db, store.Options{}).Org(c.org.ID, model.System)
			}
			var operations []string
			for i := range 20 {
				operations = append(operations, fmt.Sprintf(
					`{"method":"POST","path":"/Users","bulkId":"b%d","data":{"userName":"user-%d"}}`, i, i))
			}
			operations = append(operations, `{"method":"PUT","path":"/Users/1"}`) // wrong whoever sends it
			c.want(200, "GET", "/Users", "", "Authorization", "Bearer "+token)
			calls := 0
			before = func() {
				if calls++; calls == 12 {
					if err := directory.Of(by, c.directory.ID).RevokeToken(t.Context(), made.ID); err != nil {
						t.Error(err)
					}
				}
			}
			a := c.at(d, token).want(200, "POST", "/Bulk", bulkOf(operations...))
			made201, ended := 0, false
			for i := range operations {
				switch status := a.path("Operations", i, "status"); {
				case status == "201" && !ended:
					made201++
				case status == "401":
					ended = true
				default:
					t.Errorf("operation %d: %v", i, status)
				}
			}
			before = func() {}
			if n := c.want(200, "GET", "/Users", "").body["totalResults"]; !ended || n != float64(made201) {
				t.Errorf("%d users made, there are %v: %.300s", made201, n, a.text)
			}
		})
	}
}
