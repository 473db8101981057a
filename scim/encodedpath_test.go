package scim_test

import (
	"fmt"
	"strings"
	"testing"
)

// escaped is a path with each character of a set percent-encoded, as RFC 3986 §6.2.2.2 allows for
// any character: the two paths are the same.
func escaped(path, set string) string {
	var b strings.Builder
	for i := range len(path) {
		if strings.IndexByte(set, path[i]) >= 0 {
			fmt.Fprintf(&b, "%%%02X", path[i])
		} else {
			b.WriteByte(path[i])
		}
	}
	return b.String()
}

// TestEncodedPaths checks that percent-encoded characters are those characters, in each segment of
// a path and with each method.
func TestEncodedPaths(t *testing.T) {
	t.Parallel()
	const all = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:"
	each(t, func(t *testing.T, c *client) {
		user, group := c.user("ada"), c.group("Drivers")
		base := c.base
		for _, set := range []string{":", "_", "-", ".", "U", "s", "0", all} {
			directory := strings.TrimPrefix(base, "/scim/v2/")
			c.base = "/scim/v2/" + escaped(directory, set)
			encoded := func(path string) string { return escaped(path, set) }
			for _, r := range []struct {
				method, path, body string
				status             int
			}{
				{"GET", "/Schemas/" + coreUser, "", 200},
				{"HEAD", "/Schemas/" + enterprise, "", 200},
				{"GET", "/ResourceTypes/User", "", 200},
				{"GET", "/ServiceProviderConfig", "", 200},
				{"OPTIONS", "/Users", "", 204},
				{"GET", "", "", 200},
				{"GET", "/Users", "", 200},
				{"GET", "/Users/" + user, "", 200},
				{"PUT", "/Users/" + user, `{"userName":"ada"}`, 200},
				{"PATCH", "/Users/" + user, patchOf(`[{"op":"replace","path":"title","value":"Pilot"}]`), 200},
				{"PATCH", "/Groups/" + group,
					patchOf(`[{"op":"add","path":"members","value":[{"value":"` + user + `"}]}]`), 204},
				{"POST", "/Users/.search", `{"count":0}`, 200},
				{"POST", "/.search", `{"count":0}`, 200},
				{"POST", "/Bulk", bulkOf(`{"method":"DELETE","path":"/Users/` + nobody + `"}`), 200},
				{"DELETE", "/Users/" + nobody, "", 404},
				{"GET", "/Me", "", 501},
			} {
				c.want(r.status, r.method, encoded(r.path), r.body)
			}
		}
		c.base = base
		for path, status := range map[string]int{
			"/Users%2F" + user:         404, // a slash that is encoded is part of its segment
			"/Users%2f.search":         404,
			"/Schemas%2F" + coreUser:   404,
			"/Users/" + user + "%2F":   404,
			"/Users/" + user + "%2Fx":  404,
			"/Users/%252e":             404,
			"/%2555sers":               404, // decoded once only
			"/Schemas/urn%253A":        404,
			"/Users/x%3Ffilter=y":      404,
			"/Users/%2e%2e/Groups":     404,
			"/Users/" + user + "%20":   404,
			"/Users/%00":               404,
			"/Users/%ff%fe" + user:     404,
			"/Users/" + user + "/":     200,
			"//%55sers//" + user:       200,
			"/%55%53%45%52%53/" + user: 200,
			"/schemas/" + escaped(strings.ToLower(coreGroup), ":."): 200,
		} {
			if a := c.do("GET", path, ""); a.status != status {
				t.Errorf("%s: %d %s, want %d", path, a.status, a.text, status)
			}
		}
		if a := c.do("POST", "/Users%2F.search", `{"count":0}`); a.status != 404 {
			t.Errorf("%d %s", a.status, a.text)
		}
	})
}

// TestEncodedPathsInBulk is TestEncodedPaths for the paths of operations.
func TestEncodedPathsInBulk(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ada, group := c.user("ada"), c.group("Pilots")
		at := strings.Replace(c.location, "directory_", "directory%5F", 1)
		a := c.want(200, "POST", "/Bulk", bulkOf(
			`{"method":"POST","path":"/%55sers","bulkId":"b/1","data":{"userName":"ben"}}`,
			`{"method":"PUT","path":"`+at+`/Users/`+strings.ReplaceAll(ada, "-", "%2D")+
				`","data":{"userName":"ada","title":"Pilot"}}`,
			`{"method":"PATCH","path":"/Users/bulkId%3Ab%2F1","data":`+
				patchOf(`[{"op":"replace","path":"title","value":"Pilot"}]`)+`}`,
			`{"method":"PATCH","path":"/Groups/`+group+`","data":`+
				patchOf(`[{"op":"add","path":"members","value":[{"value":"bulkId:b/1"}]}]`)+`}`,
			`{"method":"PATCH","path":"`+c.location+`/%47roups/`+group+`?attributes=id","data":`+
				patchOf(`[{"op":"replace","path":"displayName","value":"Crew"}]`)+`}`,
			`{"method":"DELETE","path":"/Users%2F`+ada+`"}`,
			`{"method":"DELETE","path":"/Users/`+ada+`%2"}`,
			`{"method":"DELETE","path":"/Users/`+ada+`%zz"}`,
			`{"method":"DELETE","path":"/Users/%2F"}`,
			`{"method":"DELETE","path":"/Users/bulkId%3Anobody"}`,
			`{"method":"POST","path":"/Users/.search","bulkId":"s","data":{}}`,
			`{"method":"POST","path":"/Users%2F.search","bulkId":"t","data":{}}`,
			`{"method":"DELETE","path":"`+strings.Replace(c.location, "directory_", "directory_x", 1)+
				`/Users/`+ada+`"}`,
		))
		const want = "201, 200, 200, 200, 200, 404, 400 invalidSyntax, 400 invalidSyntax, 404, 400 invalidValue, " +
			"400 invalidSyntax, 404, 404"
		if got := a.outcome(); got != want {
			t.Errorf("%s\nwant %s\n%s", got, want, a.text)
		}
		members := c.want(200, "GET", "/Groups/"+group, "").path("members").([]any)
		if len(members) != 1 {
			t.Errorf("members %v", members)
		}
		ben := c.want(200, "GET", filtered("/Users", `userName eq "ben" and title eq "Pilot"`), "")
		if ben.path("totalResults") != 1.0 {
			t.Error(ben.text)
		}
	})
}
