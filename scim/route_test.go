package scim_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"rollcall/model/modeltest"
	"rollcall/model/store"
	"rollcall/scim"
	"rollcall/web"
)

const (
	discoveryMethods = "GET, HEAD, OPTIONS"
	endpointMethods  = "GET, HEAD, OPTIONS, POST"
	resourceMethods  = "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
)

func TestMethods(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		user, group := c.user("ada"), c.group("Drivers")
		for path, allowed := range map[string]string{
			"":                       discoveryMethods,
			"/ServiceProviderConfig": discoveryMethods,
			"/Schemas":               discoveryMethods,
			"/Schemas/" + coreUser:   discoveryMethods,
			"/ResourceTypes":         discoveryMethods,
			"/ResourceTypes/Group":   discoveryMethods,
			"/Users":                 endpointMethods,
			"/Groups":                endpointMethods,
			"/Users/" + user:         resourceMethods,
			"/Groups/" + group:       resourceMethods,
		} {
			t.Run(path, func(t *testing.T) {
				options := c.want(204, "OPTIONS", path, "")
				if got := options.header.Get("Allow"); got != allowed {
					t.Errorf("Allow %q, want %q", got, allowed)
				}
				for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "TRACE", "REPORT"} {
					if strings.Contains(allowed, method) {
						continue
					}
					// The body is wrong, too, but must not be read.
					a := c.do(method, path, "{", "Content-Type", "text/plain")
					refused(t, a, 405, "", method)
					if got := a.header.Get("Allow"); got != allowed {
						t.Errorf("%s: Allow %q, want %q", method, got, allowed)
					}
				}
				get, head := c.want(200, "GET", path, ""), c.want(200, "HEAD", path, "")
				if head.text != "" || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
					t.Errorf("HEAD: %q %v", head.text, head.header)
				}
			})
		}
	})
}

func TestPaths(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		user := c.user("ada")
		tests := []struct {
			name, path string
			status     int
		}{
			{"lower case", "/users", 200},
			{"upper case", "/USERS/" + user, 200},
			{"lower case of a discovery endpoint", "/serviceproviderconfig", 200},
			{"lower case of a schema", "/schemas/" + strings.ToLower(enterprise), 200},
			{"lower case of a resource type", "/resourcetypes/user", 200},
			{"a slash at the end", "/Users/", 200},
			{"a slash at the end of a resource", "/Users/" + user + "/", 200},
			{"a slash at the end of the base URL", "//Users", 200},
			{"an unknown parameter", "/Users?aadOptscim062020", 200},
			{"an unknown endpoint", "/Devices", 404},
			{"more than a resource", "/Users/" + user + "/name", 404},
			{"an encoded slash", "/Users%2f" + user + "%2fname", 404},
			{"an unknown user", "/Users/nobody", 404},
			{"a user of no bytes that a database takes", "/Users/%00%ff", 404},
			{"an unknown schema", "/Schemas/urn:nothing", 404},
			{"an unknown resource type", "/ResourceTypes/Device", 404},
			{"the person of the token", "/Me", 501},
			{"bulk", "/Bulk", 405},
			{"everything", "", 200},
			{"everything with a slash", "/", 200},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				a := c.do("GET", test.path, "")
				if test.status != 200 {
					refused(t, a, test.status, "")
				} else if a.status != 200 {
					t.Errorf("%d %s", a.status, a.text)
				}
			})
		}
	})
}

// TestMe checks /Me, which a directory's token does not have, because it belongs to no user (RFC
// 7644 §3.11).
func TestMe(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			refused(t, c.do(method, "/me", ""), 501, "")
		}
		refused(t, c.do("POST", "", "{}"), 405, "", "POST")
	})
}

// TestErrorsOfOthers checks the errors of the router, of the middleware and of a panic below /scim.
func TestErrorsOfOthers(t *testing.T) {
	t.Parallel()
	store := modeltest.Open(t, modeltest.SQLite(t), store.Options{})
	d := deploy(t, store)
	c := d.client(d.organization("Northwind"))
	w, err := web.New(web.Options{Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	(&scim.Server{Store: store, PublicURL: public}).Mount(w.Echo)
	w.Echo.GET("/scim/panic", func(echo.Context) error { panic("SELECT secret") })
	server := httptest.NewServer(w.Echo)
	defer server.Close()
	d.url = server.URL

	refused(t, d.send("GET", "/scim", nil, http.Header{}), 404, "", "/scim/v2/")
	refused(t, d.send("GET", "/scim/v2", nil, http.Header{}), 404, "", "/scim/v2/")
	refused(t, d.send("GET", "/scim/v1/Users", nil, http.Header{}), 404, "", "/scim/v2/")
	refused(t, c.do("LIST", "/Users", ""), 405, "")
	a := d.send("GET", "/scim/panic", nil, http.Header{})
	refused(t, a, 500, "", "internal error", a.header.Get("X-Request-Id"))
	if strings.Contains(a.text, "secret") {
		t.Errorf("the answer tells %s", a.text)
	}
}
