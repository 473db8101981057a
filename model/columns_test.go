package model

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestColumnsReadWhatTheyWrite(t *testing.T) {
	directory, connection := "d", "c"
	u := User{ID: "u", DirectoryID: &directory, UserName: "Ada", UserNameFolded: "ada", ExternalID: "x",
		DisplayName: "A", DisplayNameFolded: "a", Email: "A@b", EmailFolded: "a@b", EmailDomain: "b", Active: true,
		InactiveReason: Deprovisioned, Role: Admin, Epoch: 3, AdoptionConfirmed: true, ProfileIDs: []string{"p", "q"}, Version: 4, ConnectionID: &connection,
		RoleMapped: true, EntitlementVersion: 5, Document: `{"userName":"Ada"}`, CreatedAt: 6, UpdatedAt: 7}
	columns := userColumns.readable()
	values, err := columns.values(context.Background(), &u)
	if err != nil {
		t.Fatal(err)
	}
	var read User
	for i, to := range columns.pointers(&read) {
		switch to := to.(type) {
		case *string:
			*to = values[i].(string)
		case *int64:
			*to = values[i].(int64)
		case *bool:
			*to = values[i].(bool)
		case **string:
			*to = values[i].(*string)
		case *serialized:
			if err := to.Scan(values[i]); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("a column is scanned to %T", to)
		}
	}
	if diff := cmp.Diff(u, read); diff != "" {
		t.Error(diff)
	}
}

// A field that is in neither list would be lost by the statement that changes a user.
func TestEachColumnThatMayChangeIsWrittenOnce(t *testing.T) {
	var written, all []string
	for _, c := range slices.Concat(otherUserColumns.list, derivedUserColumns.list) {
		written = append(written, c.DBName)
	}
	for _, c := range userColumns.list {
		if c.DBName != "id" && c.DBName != "organization_id" {
			all = append(all, c.DBName)
		}
	}
	slices.Sort(written)
	slices.Sort(all)
	if diff := cmp.Diff(all, written); diff != "" {
		t.Error(diff)
	}
}

func TestNamedParameters(t *testing.T) {
	e := named("a = @one AND b = ANY(@many::text[]) AND c = @one", map[string]any{"one": 1, "many": "x"})
	if e.SQL != "a = ? AND b = ANY(?::text[]) AND c = ?" || !slices.Equal(e.Vars, []any{1, "x", 1}) {
		t.Errorf("%q %v", e.SQL, e.Vars)
	}
	if e = named("a = @one AND b = @ones", map[string]any{"one": 1}); e.SQL != "a = ? AND b = @ones" {
		t.Errorf("a name without a value makes %q", e.SQL)
	}
	if e = named("a = @one", map[string]any{"one": 1, "ones": 2}); len(e.Vars) != 2 {
		t.Errorf("a value without a name is dropped: %v", e.Vars)
	}
}

func BenchmarkColumns(b *testing.B) {
	u := User{ProfileIDs: []string{}, CreatedAt: Time(time.Now().UnixMilli())}
	b.Run("pointers of a page's row", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			shownUserColumns.pointers(&u)
		}
	})
	b.Run("values of a row", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := otherUserColumns.values(b.Context(), &u); err != nil {
				b.Fatal(err)
			}
		}
	})
}
