package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// person is a user of about 1 KB as a large identity provider sends one.
func person(name string) []byte {
	return fmt.Appendf(nil, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],`+
		`"userName":"%[1]s@contoso.example","externalId":"00u-%[1]s","displayName":"Person %[1]s","active":true,`+
		`"name":{"givenName":"Person","familyName":"%[1]s","formatted":"Person %[1]s"},"title":"Senior Engineer","locale":"en-GB","timezone":"Europe/Berlin",`+
		`"userType":"Employee","preferredLanguage":"en","emails":[{"value":"%[1]s@contoso.example","type":"work","primary":true},`+
		`{"value":"%[1]s@home.example","type":"home"}],"phoneNumbers":[{"value":"+49 30 901820","type":"work"},{"value":"+49 170 5550123","type":"mobile"}],`+
		`"addresses":[{"type":"work","streetAddress":"Unter den Linden 1","locality":"Berlin","postalCode":"10117","country":"DE","primary":true}],`+
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"E-%[1]s","department":"Engineering","division":"Platform",`+
		`"costCenter":"4130","organization":"Contoso","manager":{"value":"00u-manager","displayName":"The Manager"}}}`, name)
}

// seeded is the id of the i-th user that the database copies, a UUIDv7 of long ago.
func seeded(i int) string { return fmt.Sprintf("01900000-0000-7000-8000-%012x", i) }

// seededSQL is seeded(i) in SQL.
const seededSQL = `'01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0')`

// name is that of the i-th user.
func name(i int) string { return fmt.Sprintf("seed-%d", i) }

// groupSizes are those of the groups that members are added to.
func groupSizes(users int) []int {
	var sizes []int
	for _, size := range []int{10, 1_000, 10_000, 100_000} {
		if size <= users/2 {
			sizes = append(sizes, size)
		}
	}
	return sizes
}

// spared are the first users, who are in no group, as the floor's are in none.
const spared = 200

// groupsOfASize are written in turn, so that connections wait for each other in few of them.
const groupsOfASize = 8

// unchecked keeps the database from looking up what each copy refers to, which is there.
const unchecked = "SET session_replication_role = replica"

// copies fills the columns of a row for each i from one that the server has written: whatever it
// derives from the name is derived for the copies too. $1 is how many, $2 whose.
var copies = []string{
	`INSERT INTO users SELECT c.* FROM users u, generate_series(1, $1::int) i, LATERAL jsonb_populate_record(NULL::users,
		replace(to_jsonb(u)::text, 'seed-0', 'seed-' || i)::jsonb ||
		jsonb_build_object('id', ` + seededSQL + `, 'created_at', u.created_at - 100000000 + i)) c WHERE u.id = $2`,
	`INSERT INTO user_values SELECT c.* FROM user_values v, generate_series(1, $1::int) i, LATERAL jsonb_populate_record(NULL::user_values,
		replace(to_jsonb(v)::text, 'seed-0', 'seed-' || i)::jsonb || jsonb_build_object('user_id', ` + seededSQL + `)) c WHERE v.user_id = $2`,
}

// seedSQL fills Rollcall's database by copying rows, which takes a hundredth of the time of requests.
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
	t.count(users)
	err = t.seedGroups(users, func(id string, size int) error {
		_, err := db.Exec(ctx, `INSERT INTO directory_group_members (organization_id, group_id, user_id)
			SELECT organization_id, id, `+seededSQL+` FROM directory_groups, generate_series($3::int + 1, $3::int + $1::int) i WHERE id = $2`, size, id, spared)
		return err
	})
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, "VACUUM (ANALYZE)")
	return err
}

// count fills users with the ids of those that were copied.
func (t *target) count(users int) {
	for i := range users {
		t.users = append(t.users, seeded(i+1))
	}
}

// seedGroups makes the groups of each size and has fill give one its members.
func (t *target) seedGroups(users int, fill func(id string, size int) error) error {
	for _, size := range groupSizes(users) {
		for i := range groupsOfASize + 1 {
			id, err := t.post("/Groups", fmt.Appendf(nil, `{"displayName":"Group %d of %d","externalId":"00g-%d-%d"}`, i, size, i, size))
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

func (t *target) addGroup(size int, id string) {
	if t.groups == nil {
		t.groups, t.added = map[int][]string{}, map[string]*atomic.Int64{}
	}
	t.groups[size] = append(t.groups[size], id)
	t.added[id] = new(atomic.Int64)
}

// seedRequests fills a database that only its server can open.
func (t *target) seedRequests(users int) error {
	c, err := dial(t.address, t.token)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range users {
		var u struct{ ID string }
		err := c.send(call{"POST", t.base + "/Users", person(name(i + 1)), 201}, func(b []byte) error { return json.Unmarshal(b, &u) })
		if err != nil {
			return err
		}
		t.users = append(t.users, u.ID)
	}
	return t.seedGroups(users, func(id string, size int) error {
		values := make([]map[string]string, size)
		for i := range values {
			values[i] = map[string]string{"value": t.users[spared+i]}
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
	_, err = db.Exec(ctx, `INSERT INTO users SELECT `+seededSQL+`, $1, 'seed-' || i || '@contoso.example', true, 1, replace($2, 'seed-0', 'seed-' || i)
		FROM generate_series(1, $3::int) i`, tenant, string(person(name(0))), users)
	if err != nil {
		return err
	}
	t.count(users)
	for _, size := range groupSizes(users) {
		for i := range groupsOfASize + 1 {
			id := fmt.Sprintf("group-%d-%d", size, i)
			if _, err := db.Exec(ctx, "INSERT INTO groups VALUES ($1, $2, $1, 1)", id, tenant); err != nil {
				return err
			}
			_, err := db.Exec(ctx, `INSERT INTO members SELECT $1, `+seededSQL+` FROM generate_series($3::int + 1, $3::int + $2::int) i`, id, size, spared)
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
	var made struct{ ID string }
	err = c.send(call{"POST", t.base + path, body, 201}, func(b []byte) error { return json.Unmarshal(b, &made) })
	return made.ID, err
}

// findCursor walks to the last full page, as a client must: cursors are the server's own. What is left
// over after it may be a single user, and no measure of a page.
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
	for at := t.cursor; ; {
		var list struct {
			NextCursor   string
			ItemsPerPage int
		}
		err := c.send(call{"GET", t.base + "/Users?attributes=id&count=100&cursor=" + url.QueryEscape(at), nil, 200},
			func(b []byte) error { return json.Unmarshal(b, &list) })
		if err != nil {
			return err
		}
		if list.ItemsPerPage == page {
			t.cursor = at
		}
		if at = list.NextCursor; at == "" {
			return nil
		}
	}
}
