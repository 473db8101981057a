package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// person returns a user of about 1 KB, like the users of a large identity provider.
func person(name string) []byte {
	return fmt.Appendf(nil, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",`+
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],`+
		`"userName":"%[1]s@contoso.example","externalId":"00u-%[1]s","displayName":"Person %[1]s","active":true,`+
		`"name":{"givenName":"Person","familyName":"%[1]s","formatted":"Person %[1]s"},`+
		`"title":"Senior Engineer","locale":"en-GB","timezone":"Europe/Berlin",`+
		`"userType":"Employee","preferredLanguage":"en",`+
		`"emails":[{"value":"%[1]s@contoso.example","type":"work","primary":true},`+
		`{"value":"%[1]s@home.example","type":"home"}],`+
		`"phoneNumbers":[{"value":"+49 30 901820","type":"work"},{"value":"+49 170 5550123","type":"mobile"}],`+
		`"addresses":[{"type":"work","streetAddress":"Unter den Linden 1","locality":"Berlin",`+
		`"postalCode":"10117","country":"DE","primary":true}],`+
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"E-%[1]s",`+
		`"department":"Engineering","division":"Platform","costCenter":"4130","organization":"Contoso",`+
		`"manager":{"value":"00u-manager","displayName":"The Manager"}}}`, name)
}

// seeded returns the id of the i-th copied user: a UUIDv7 with a time long ago.
func seeded(i int) string { return fmt.Sprintf("01900000-0000-7000-8000-%012x", i) }

// seededSQL is seeded(i) in SQL.
const seededSQL = `'01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0')`

// name returns the name of the i-th user.
func name(i int) string { return fmt.Sprintf("seed-%d", i) }

// groupSizes returns the sizes of the groups to which members are added.
func groupSizes(users int) []int {
	var sizes []int
	for _, size := range []int{10, 1_000, 10_000, 100_000} {
		if size <= users/2 {
			sizes = append(sizes, size)
		}
	}
	return sizes
}

// withoutGroup is how many users, counted from the first, are in no group.
const withoutGroup = 200

// groupsOfASize is how many groups of each size are written in turn, so that connections seldom
// wait for each other.
const groupsOfASize = 8

// unchecked turns off the checks of foreign keys, because the rows that the copies refer to exist.
const unchecked = "SET session_replication_role = replica"

// copies inserts $1 copies of the rows of the user $2, which the server has written. The user's
// name is replaced in all columns, so that columns derived from the name are right in the copies
// too.
var copies = []string{
	`INSERT INTO users SELECT c.* FROM users u, generate_series(1, $1::int) i,
		LATERAL jsonb_populate_record(NULL::users,
		replace(to_jsonb(u)::text, 'seed-0', 'seed-' || i)::jsonb ||
		jsonb_build_object('id', ` + seededSQL + `, 'created_at', u.created_at - 100000000 + i)) c
		WHERE u.id = $2`,
	`INSERT INTO user_values SELECT c.* FROM user_values v, generate_series(1, $1::int) i,
		LATERAL jsonb_populate_record(NULL::user_values,
		replace(to_jsonb(v)::text, 'seed-0', 'seed-' || i)::jsonb ||
		jsonb_build_object('user_id', ` + seededSQL + `)) c
		WHERE v.user_id = $2`,
}

// seedSQL fills Rollcall's database by copying rows. That takes a hundredth of the time of
// requests.
func (t *target) seedSQL(ctx context.Context, users int) error {
	first, err := t.post("/Users", person(name(0)))
	if err != nil {
		return err
	}
	db, err := pgx.Connect(ctx, t.url)
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	if _, err := db.Exec(ctx, unchecked); err != nil {
		return err
	}
	for _, statement := range copies {
		if _, err := db.Exec(ctx, statement, users, first); err != nil {
			return fmt.Errorf("copy users: %w", err)
		}
	}
	t.addUsers(users)
	err = t.seedGroups(users, func(id string, size int) error {
		_, err := db.Exec(ctx, `INSERT INTO directory_group_members (organization_id, group_id, user_id)
			SELECT organization_id, id, `+seededSQL+`
			FROM directory_groups, generate_series($3::int + 1, $3::int + $1::int) i
			WHERE id = $2`, size, id, withoutGroup)
		return err
	})
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, "VACUUM (ANALYZE)")
	return err
}

// addUsers adds the ids of the copied users to t.users.
func (t *target) addUsers(users int) {
	for i := range users {
		t.users = append(t.users, seeded(i+1))
	}
}

// seedGroups creates the groups of each size, and calls fill to add the members of each.
func (t *target) seedGroups(users int, fill func(id string, size int) error) error {
	for _, size := range groupSizes(users) {
		for i := range groupsOfASize + 1 {
			id, err := t.post("/Groups", fmt.Appendf(nil, `{"displayName":"Group %d of %d","externalId":"00g-%d-%d"}`,
				i, size, i, size))
			if err != nil {
				return err
			}
			if err := fill(id, size); err != nil {
				return fmt.Errorf("fill a group: %w", err)
			}
			t.addGroup(size, id)
		}
	}
	return nil
}

// addGroup adds a group to the target's list.
func (t *target) addGroup(size int, id string) {
	if t.groups == nil {
		t.groups, t.added = map[int][]string{}, map[string]*atomic.Int64{}
	}
	t.groups[size] = append(t.groups[size], id)
	t.added[id] = new(atomic.Int64)
}

// seedRequests fills the database by requests, because only the server can open a SQLite file.
func (t *target) seedRequests(users int) error {
	c, err := dial(t.address, t.token)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range users {
		var u struct{ ID string }
		err := c.send(call{"POST", t.base + "/Users", person(name(i + 1)), 201},
			func(b []byte) error { return json.Unmarshal(b, &u) })
		if err != nil {
			return err
		}
		t.users = append(t.users, u.ID)
	}
	return t.seedGroups(users, func(id string, size int) error {
		values := make([]map[string]string, size)
		for i := range values {
			values[i] = map[string]string{"value": t.users[withoutGroup+i]}
		}
		return c.send(call{"PATCH", t.base + "/Groups/" + id, patchOf("add", "members", values), 204}, nil)
	})
}

// seedFloor fills the floor's database.
func (t *target) seedFloor(ctx context.Context, users int) error {
	db, err := pgx.Connect(ctx, t.url)
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	if _, err := db.Exec(ctx, unchecked); err != nil {
		return err
	}
	_, err = db.Exec(ctx, `INSERT INTO users SELECT `+seededSQL+`, $1, 'seed-' || i || '@contoso.example', true, 1,
		replace($2, 'seed-0', 'seed-' || i) FROM generate_series(1, $3::int) i`,
		tenant, string(person(name(0))), users)
	if err != nil {
		return err
	}
	t.addUsers(users)
	for _, size := range groupSizes(users) {
		for i := range groupsOfASize + 1 {
			id := fmt.Sprintf("group-%d-%d", size, i)
			if _, err := db.Exec(ctx, "INSERT INTO groups VALUES ($1, $2, $1, 1)", id, tenant); err != nil {
				return err
			}
			_, err := db.Exec(ctx, `INSERT INTO members SELECT $1, `+seededSQL+`
				FROM generate_series($3::int + 1, $3::int + $2::int) i`, id, size, withoutGroup)
			if err != nil {
				return err
			}
			t.addGroup(size, id)
		}
	}
	_, err = db.Exec(ctx, "VACUUM (ANALYZE)")
	return err
}

// post creates a resource and returns its id.
func (t *target) post(path string, body []byte) (string, error) {
	c, err := dial(t.address, t.token)
	if err != nil {
		return "", err
	}
	defer c.Close()
	var created struct{ ID string }
	err = c.send(call{"POST", t.base + path, body, 201},
		func(b []byte) error { return json.Unmarshal(b, &created) })
	return created.ID, err
}

// findCursor finds the cursor of the last full page. Only the server can make cursors, so it reads
// all pages. A page after the last full one may have a single user, and would not measure a page.
func (t *target) findCursor() error {
	if t.name == floorName {
		t.cursor = t.users[len(t.users)-page-1]
		return nil
	}
	c, err := dial(t.address, t.token)
	if err != nil {
		return err
	}
	defer c.Close()
	for cursor := t.cursor; ; {
		var list struct {
			NextCursor   string
			ItemsPerPage int
		}
		err := c.send(call{"GET", t.base + "/Users?attributes=id&count=100&cursor=" + url.QueryEscape(cursor), nil,
			200},
			func(b []byte) error { return json.Unmarshal(b, &list) })
		if err != nil {
			return err
		}
		if list.ItemsPerPage == page {
			t.cursor = cursor
		}
		if cursor = list.NextCursor; cursor == "" {
			return nil
		}
	}
}
