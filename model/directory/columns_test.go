package directory

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/people"
)

func TestColumnsReadWhatTheyWrite(t *testing.T) {
	directoryID, connectionID := "d", "c"
	u := people.User{ID: "u", DirectoryID: &directoryID, UserName: "Ada", UserNameFolded: "ada", ExternalID: "x",
		DisplayName: "A", DisplayNameFolded: "a", Email: "A@b", EmailFolded: "a@b", EmailDomain: "b", Active: true,
		InactiveReason: people.Deprovisioned, Role: people.Admin, Epoch: 3, AdoptionConfirmed: true,
		ProfileIDs: []string{"p", "q"}, Version: 4, ConnectionID: &connectionID,
		RoleMapped: true, EntitlementVersion: 5, Document: `{"userName":"Ada"}`, CreatedAt: 6, UpdatedAt: 7}
	columns := userColumns.Readable()
	values, err := columns.Values(context.Background(), &u)
	if err != nil {
		t.Fatal(err)
	}
	var read people.User
	for i, to := range columns.Pointers(&read) {
		switch to := to.(type) {
		case *string:
			*to = values[i].(string)
		case *int64:
			*to = values[i].(int64)
		case *bool:
			*to = values[i].(bool)
		case **string:
			*to = values[i].(*string)
		case sql.Scanner:
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
	names := func(lists ...string) (all []string) {
		for _, list := range lists {
			all = append(all, strings.Split(list, ", ")...)
		}
		all = slices.DeleteFunc(all, func(name string) bool { return name == "id" || name == "organization_id" })
		slices.Sort(all)
		return all
	}
	written := names(otherUserColumns.Names(), derivedUserColumns.Names())
	if diff := cmp.Diff(names(userColumns.Names()), written); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkColumns(b *testing.B) {
	u := people.User{ProfileIDs: []string{}, CreatedAt: model.Time(time.Now().UnixMilli())}
	b.Run("pointers of a page's row", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			shownUserColumns.Pointers(&u)
		}
	})
	b.Run("values of a row", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := otherUserColumns.Values(b.Context(), &u); err != nil {
				b.Fatal(err)
			}
		}
	})
}
