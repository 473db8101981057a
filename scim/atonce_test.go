package scim_test

import (
	"fmt"
	"sync"
	"testing"
)

// TestAtOnce sends requests that collide at the same moment.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	const clients = 8
	atOnce := func(request func(i int) reply) []reply {
		replies := make([]reply, clients)
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() { replies[i] = request(i) })
		}
		all.Wait()
		return replies
	}
	each(t, func(t *testing.T, c *client) {
		t.Run("one create of a userName succeeds", func(t *testing.T) {
			created := 0
			for _, a := range atOnce(func(int) reply { return c.do("POST", "/Users", `{"userName":"ada"}`) }) {
				if a.status == 201 {
					created++
				} else {
					refused(t, a, 409, "uniqueness", "userName")
				}
			}
			if n := c.want(200, "GET", "/Users", "").body["totalResults"]; created != 1 || n != 1.0 {
				t.Errorf("%d created, %v stored", created, n)
			}
		})
		t.Run("one create of a group succeeds, and none is half there", func(t *testing.T) {
			ben := c.user("ben-of-twins")
			created := 0
			for _, a := range atOnce(func(int) reply {
				return c.do("POST", "/Groups", `{"displayName":"Twins","members":[{"value":"`+ben+`"}]}`)
			}) {
				if a.status == 201 {
					created++
				} else {
					refused(t, a, 409, "uniqueness", "displayName")
				}
			}
			a := c.want(200, "GET", filtered("/Groups", `displayName eq "twins"`), "")
			if created != 1 || a.body["totalResults"] != 1.0 || len(a.path("Resources", 0, "members").([]any)) != 1 {
				t.Errorf("%d created: %s", created, a.text)
			}
			c.want(204, "DELETE", "/Users/"+ben, "")
		})
		t.Run("no member is lost", func(t *testing.T) {
			group := c.group("Drivers")
			ids := make([]string, clients)
			for i := range ids {
				ids[i] = c.user(fmt.Sprint("user-", i))
			}
			for _, a := range atOnce(func(i int) reply {
				return c.do("PATCH", "/Groups/"+group,
					patchOf(`[{"op":"add","path":"members","value":[{"value":"`+ids[i]+`"}]}]`))
			}) {
				if a.status != 204 {
					t.Errorf("%d %s", a.status, a.text)
				}
			}
			a := c.want(200, "GET", "/Groups/"+group, "")
			n := len(a.path("members").([]any))
			if n != clients || a.path("meta", "version") != fmt.Sprintf(`W/"%d"`, clients+1) {
				t.Errorf("%d members, version %v", n, a.path("meta", "version"))
			}
		})
		t.Run("no attribute is lost", func(t *testing.T) {
			id := c.user("ben")
			atOnce(func(i int) reply {
				return c.do("PATCH", "/Users/"+id,
					patchOf(fmt.Sprintf(`[{"op":"add","path":"urn:example:custom:a%d","value":%d}]`, i, i)))
			})
			custom, _ := c.want(200, "GET", "/Users/"+id, "").path("urn:example:custom").(map[string]any)
			if len(custom) != clients {
				t.Errorf("stored %v", custom)
			}
		})
	})
}
