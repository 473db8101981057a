package store_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
)

// numbered is a column's value with another number at the end of an id.
func numbered(column string) string {
	return "substr(t." + column + ", 1, 24) || lpad(i::text, 12, '0')"
}

// copies inserts n copies of the row of a table that meets a condition, with other values in some
// columns. The number of a copy is i.
func (c *crowd) copies(t *testing.T, table, where string, n int, values map[string]string) {
	t.Helper()
	var pairs []string
	for column, value := range values {
		pairs = append(pairs, fmt.Sprintf("'%s', %s", column, value))
	}
	err := storetest.Across(c.S, context.Background()).Exec(fmt.Sprintf("INSERT INTO %s SELECT r.* FROM %s t, "+
		"generate_series(1, %d) i, LATERAL jsonb_populate_record(t, jsonb_build_object(%s)) r WHERE t.%s",
		table, table, n, strings.Join(pairs, ", "), where)).Error
	if err != nil {
		t.Fatalf("fill %s: %v", table, err)
	}
}

// grow gives the organization many people, who are all in the big group and signed in.
func (c *crowd) grow(t *testing.T) {
	u, s := c.in.User, c.in.Out.Session
	name := "'filler-' || i || '@contoso.example'"
	c.copies(t, "users", "id = '"+u.ID+"'", crowdSize, map[string]string{
		"id": numbered("id"), "user_name": name, "user_name_folded": name, "email": name, "email_folded": name,
		"external_id": "'f-' || i", "display_name": "'Filler ' || i", "display_name_folded": "'filler ' || i",
		"created_at": "t.created_at + i", "profile_ids": "'[]'",
	})
	c.copies(t, "user_values", "user_id = '"+u.ID+"'", crowdSize, map[string]string{
		"user_id": numbered("user_id"), "value_folded": name})
	c.copies(t, "directory_group_members", "group_id = '"+c.big.ID+"' AND t.user_id = '"+u.ID+"'", crowdSize,
		map[string]string{"user_id": numbered("user_id")})
	c.copies(t, "directory_groups", "id = '"+c.small.ID+"'", crowdSize/10, map[string]string{
		"id": numbered("id"), "display_name_folded": "'group ' || i", "created_at": "t.created_at + i"})
	c.copies(t, "identities", "id = '"+s.IdentityID+"'", crowdSize, map[string]string{
		"id": numbered("id"), "user_id": numbered("user_id"), "subject": "'f-' || i"})
	c.copies(t, "sessions", "id = '"+s.ID+"'", crowdSize, map[string]string{
		"id": numbered("id"), "user_id": numbered("user_id"), "identity_id": numbered("identity_id"),
		"token_hash": "sha256(('s' || i)::bytea)"})
	c.copies(t, "access_tokens", "session_id = '"+s.ID+"'", crowdSize, map[string]string{
		"hash": "sha256(('t' || i)::bytea)", "code_hash": "sha256(('c' || i)::bytea)",
		"session_id": numbered("session_id")})
	c.copies(t, "asserted_groups", "user_id = '"+u.ID+"'", crowdSize, map[string]string{"user_id": numbered("user_id")})
	c.copies(t, "login_attempts", "id = (SELECT min(id) FROM login_attempts)", crowdSize, map[string]string{
		"id": numbered("id")})
	c.copies(t, "events", "id = (SELECT max(id) FROM events)", crowdSize, map[string]string{"id": numbered("id"),
		"tx": "pg_current_xact_id()::text::bigint"})
	c.tombs(t)
}

// tombs gives the organization as many tombstones as people.
func (c *crowd) tombs(t *testing.T) {
	gone := storetest.CreateUser(t, c.Org, c.D, c.next())
	storetest.Must(t, directory.Of(c.Org, c.D.ID).DeleteUser(t.Context(), gone.ID))
	c.copies(t, "tombstones", "id = (SELECT max(id) FROM tombstones)", crowdSize,
		map[string]string{"id": numbered("id")})
	c.copies(t, "tombstone_keys", "hash = (SELECT hash FROM tombstone_keys LIMIT 1)", crowdSize, map[string]string{
		"tombstone_id": "(SELECT substr(max(id), 1, 24) || lpad(i::text, 12, '0') FROM tombstones)",
		"hash":         "sha256(('k' || i)::bytea)"})
}

// surround puts many organizations with few people each beside the one that will grow.
func (c *crowd) surround(t *testing.T) {
	org := func(column string) string {
		return "substr(t." + column + ", 1, 24) || lpad((900000000000 + 1 + i % " + strconv.Itoa(neighbors) +
			")::text, 12, '0')"
	}
	id := func(column string) string {
		return "substr(t." + column + ", 1, 24) || lpad((800000000000 + i)::text, 12, '0')"
	}
	u, n := c.in.User, neighbors*neighborsPeople
	name := "'other-' || i || '@contoso.example'"
	c.copies(t, "organizations", "id = '"+string(c.Org.ID)+"'", neighbors, map[string]string{
		"id": org("id"), "slug": "'slug-' || i", "external_id": "NULL"})
	for _, table := range []string{"directories", "connections"} {
		values := map[string]string{"id": org("id"), "organization_id": org("organization_id")}
		if table == "directories" {
			values["external_key"] = "'key-' || i"
		}
		c.copies(t, table, "organization_id = '"+string(c.Org.ID)+"'", neighbors, values)
	}
	c.copies(t, "users", "id = '"+u.ID+"'", n, map[string]string{
		"id": id("id"), "organization_id": org("organization_id"), "directory_id": org("directory_id"),
		"user_name": name, "user_name_folded": name, "email": name, "email_folded": name,
		"external_id": "'f-' || i", "display_name": "'Filler ' || i", "display_name_folded": "'filler ' || i",
		"connection_id": org("connection_id"), "profile_ids": "'[]'",
	})
	c.copies(t, "user_values", "user_id = '"+u.ID+"'", n, map[string]string{
		"user_id": id("user_id"), "organization_id": org("organization_id"), "value_folded": name})
	c.copies(t, "directory_groups", "id = '"+c.small.ID+"'", neighbors, map[string]string{
		"id": org("id"), "organization_id": org("organization_id"), "directory_id": org("directory_id")})
	c.copies(t, "directory_group_members", "group_id = '"+c.small.ID+"' AND t.user_id = '"+u.ID+"'", n,
		map[string]string{"organization_id": org("organization_id"), "group_id": org("group_id"),
			"user_id": id("user_id")})
	c.copies(t, "identities", "id = '"+c.in.Out.Session.IdentityID+"'", n, map[string]string{
		"id": id("id"), "organization_id": org("organization_id"), "user_id": id("user_id"),
		"connection_id": org("connection_id"), "subject": "'f-' || i"})
	c.copies(t, "sessions", "id = '"+c.in.Out.Session.ID+"'", n, map[string]string{
		"id": id("id"), "organization_id": org("organization_id"), "user_id": id("user_id"),
		"connection_id": org("connection_id"), "identity_id": id("identity_id"),
		"token_hash": "sha256(('o' || i)::bytea)"})
}
