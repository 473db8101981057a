package scim_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestContentTypeOfEachAnswer checks answers without a body too: SCIM-SDK takes an answer of
// another type for a failure.
func TestContentTypeOfEachAnswer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ada, group := c.user("ada"), c.group("Crew")
		for _, r := range []struct {
			method, path, body string
			status             int
		}{
			{"PATCH", "/Groups/" + group,
				patchOf(`[{"op":"add","path":"members","value":[{"value":"` + ada + `"}]}]`), 204},
			{"DELETE", "/Groups/" + group, "", 204},
			{"GET", "/Users/" + ada, "", 200},
			{"HEAD", "/Users/" + ada, "", 200},
			{"OPTIONS", "/Users", "", 204},
			{"DELETE", "/Users/" + ada, "", 204},
			{"DELETE", "/Users/" + ada, "", 404},
			{"HEAD", "/Users/" + ada, "", 404},
			{"TRACE", "/Users", "", 405},
			{"GET", "/nothing", "", 404},
		} {
			a := c.want(r.status, r.method, r.path, r.body)
			if got := a.header.Get("Content-Type"); got != "application/scim+json;charset=utf-8" {
				t.Errorf("%s %s: Content-Type %q", r.method, r.path, got)
			}
		}
	})
}

// TestMetaInProjections checks that meta can be left out in part or whole by who names it, and is
// there for everybody else.
func TestMetaInProjections(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		c.create("/Users", `{"userName":"ada","title":"Pilot"}`)
		all := []string{"created", "lastModified", "location", "resourceType", "version"}
		for query, want := range map[string][]string{
			"":                                      all,
			"attributes=userName":                   all,
			"attributes=meta":                       all,
			"attributes=meta,meta.location":         all,
			"attributes=meta.location":              {"location"},
			"attributes=userName,META.Created":      {"created"},
			"excludedAttributes=meta.location":      {"created", "lastModified", "resourceType", "version"},
			"excludedAttributes=meta.version,title": {"created", "lastModified", "location", "resourceType"},
			"excludedAttributes=meta":               nil,
			"attributes=userName&excludedAttributes=meta.created,meta.lastModified": {"location", "resourceType",
				"version"},
			"excludedAttributes=meta.created,meta.lastModified,meta.location,meta.resourceType,meta.version": nil,
		} {
			meta, present := c.want(200, "GET", "/Users?"+query, "").path("Resources", 0, "meta").(map[string]any)
			if present != (want != nil) {
				t.Errorf("%s: meta %v", query, meta)
			}
			if diff := cmp.Diff(sorted(want...), keys(meta)); diff != "" && present {
				t.Errorf("%s: %s", query, diff)
			}
		}
	})
}

// TestCursorOfAnotherDirectory checks that a cursor is of no use for another list.
func TestCursorOfAnotherDirectory(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		same, other := c.deployment.client(c.directory.OrganizationID), c.deployment.client(c.organization("Contoso"))
		for _, of := range []*client{c, other} {
			of.user("ada")
			of.user("ben")
		}
		same.user("cleo")
		next := c.want(200, "GET", "/Users?count=1&cursor=", "").body["nextCursor"].(string)
		c.want(200, "GET", "/Users?count=1&cursor="+next, "")
		for _, of := range []*client{same, other} {
			refused(t, of.do("GET", "/Users?count=1&cursor="+next, ""), 400, "invalidCursor")
			refused(t, of.do("POST", "/Users/.search", `{"count":1,"cursor":"`+next+`"}`), 400, "invalidCursor")
		}
	})
}
