package storetest

import (
	"errors"
	"fmt"
	"rollcall/model/internal/passwords"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/grant"
	"rollcall/model/internal/removed"
	"rollcall/model/internal/tenant"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/requestlog"
	"rollcall/model/setup"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/model/testlogin"
	"rollcall/model/webhook"
)

// Models has a value of each row type.
var Models = []any{
	&organization.Organization{}, &organization.Domain{}, &organization.Application{},
	&organization.ApplicationOrganization{}, &organization.APIKey{}, &directory.Directory{},
	&directory.DirectoryToken{}, &people.User{}, &people.UserValue{}, &people.DirectoryGroup{},
	&people.GroupMember{}, &directory.GroupGroup{}, &people.Identity{}, &directory.Tombstone{},
	&directory.TombstoneKey{}, &removed.Resource{}, &model.Event{}, &tenant.Secret{}, &tenant.RestoreNumber{},
	&tenant.SchemaMigration{}, &connection.Connection{}, &signon.UsedToken{}, &signon.Assertion{},
	&people.Session{}, &signon.AuthorizationCode{}, &signon.AccessToken{}, &connection.AssertedGroup{},
	&signon.LoginAttempt{}, &requestlog.Request{}, &directory.Schema{}, &directory.Departure{},
	&tenant.FeedCursor{}, &passwords.Guess{}, &operator.Operator{}, &operator.OperatorSession{},
	&testlogin.Test{},
	&connection.CertificateWarning{}, &people.UserPassword{}, &people.PasswordSetup{},
	&signon.LoginResponse{}, &signon.SingleLogout{}, &entitle.Account{},
	&entitle.ConnectionAccount{}, &entitle.AccountGroup{}, &entitle.GroupMapping{}, &entitle.RoleMapping{},
	&entitle.License{}, &entitle.GroupAssignment{}, &entitle.Recompute{},
	&setup.Link{}, &setup.Visit{}, &setup.Step{}, &grant.SigningKey{}, &grant.TokenFamily{},
	&grant.SessionApplication{}, &grant.LogoutDelivery{},
	&webhook.Endpoint{}, &webhook.Delivery{},
}

// Row types of other packages, under names that tests of all packages may use.
type (
	UserValue    = people.UserValue
	GroupMember  = people.GroupMember
	GroupGroup   = directory.GroupGroup
	TombstoneKey = directory.TombstoneKey
	UserPassword = people.UserPassword
)

// table is a table of the database, with its column for the organization if it has one.
type table struct {
	Name, owner string
	Columns     []string
}

var knownTables sync.Map // by *store.Store, because asking for them is slow

// Tables lists the tables of the database.
func Tables(t testing.TB, s *store.Store) []table {
	t.Helper()
	if known, ok := knownTables.Load(s); ok {
		return known.([]table)
	}
	db := Across(s, t.Context())
	names, err := db.Migrator().GetTables()
	Must(t, err)
	var out []table
	for _, name := range names {
		if strings.HasPrefix(name, "sqlite_") {
			continue
		}
		rows, err := db.Table(name).Limit(0).Rows()
		Must(t, err)
		columns, err := rows.Columns()
		Must(t, errors.Join(err, rows.Close()))
		of := table{Name: name, Columns: columns}
		switch {
		case slices.Contains(columns, "organization_id"):
			of.owner = "organization_id"
		case name == "organizations":
			of.owner = "id"
		}
		out = append(out, of)
	}
	knownTables.Store(s, out)
	return out
}

// Dump returns every row of every table as text, of one organization or for nil of all.
func Dump(t testing.TB, s *store.Store, org *store.Org) []string {
	t.Helper()
	var out []string
	for _, table := range Tables(t, s) {
		db := Across(s, t.Context()).Table(table.Name)
		if org != nil && table.owner == "" {
			continue
		}
		if org != nil {
			db = db.Where(table.owner+" = ?", string(org.ID))
		}
		var rows []map[string]any
		Must(t, db.Find(&rows).Error)
		for _, r := range rows {
			out = append(out, fmt.Sprint(table.Name, " ", r))
		}
	}
	if len(out) == 0 {
		t.Fatal("there are no rows: nothing would be compared")
	}
	slices.Sort(out)
	return out
}

// Unchanged checks that run writes nothing at all.
func Unchanged(t testing.TB, s *store.Store, run func()) {
	t.Helper()
	before := Dump(t, s, nil)
	run()
	if diff := cmp.Diff(before, Dump(t, s, nil)); diff != "" {
		t.Fatalf("rows changed (-before +after):\n%s", diff)
	}
}
