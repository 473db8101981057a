package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/store"
)

// directoryByToken is the directory that a token opens.
func directoryByToken(t testing.TB, s *store.Store, token string) (*directory.Directory, error) {
	t.Helper()
	a, err := directory.Across(s).Authenticate(t.Context(), token)
	if err != nil {
		return nil, err
	}
	return &a.Directory, nil
}

// clocked opens a store whose clock the test moves.
func clocked(t testing.TB, db modeltest.Database) (*store.Store, *modeltest.Clock) {
	t.Helper()
	clock := modeltest.NewClock()
	return modeltest.Open(t, db, store.Options{Now: clock.Now}), clock
}

func newToken(t testing.TB, org *store.Org, d *directory.Directory, expires *model.Time) (*directory.DirectoryToken,
	string) {
	t.Helper()
	token, bearer, err := directory.Of(org, d.ID).CreateToken(t.Context(), "token", expires)
	storetest.Must(t, err)
	return token, bearer
}

func TestDirectoryTokens(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s, clock := clocked(t, db)
		org, _ := storetest.Contoso(t, s)
		opens := func(t *testing.T, s *store.Store, bearer string, want bool) {
			t.Helper()
			d, err := directoryByToken(t, s, bearer)
			if want {
				storetest.Must(t, err)
				if d.OrganizationID != org.ID {
					t.Error(d)
				}
				return
			}
			storetest.WantKind(t, err, model.Denied)
		}
		t.Run("a directory has two valid ones at most, also when they are asked for at once", func(t *testing.T) {
			d, first, err := directory.In(org).CreateDirectory(t.Context(), "Okta", "okta scim v2.0")
			storetest.Must(t, err)
			errs := storetest.Together(5, func(int) error {
				_, _, err := directory.Of(org, d.ID).CreateToken(t.Context(), "another", nil)
				return err
			})
			errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
			if len(errs) != 4 {
				t.Errorf("%d of 5 were refused", len(errs))
			}
			for _, err := range errs {
				storetest.WantKind(t, err, model.Conflict)
			}
			opens(t, s, first, true)
		})
		t.Run("an expired one opens nothing, from its moment on, and makes room", func(t *testing.T) {
			d := storetest.Directory(t, org)
			at := model.TimeOf(clock.Now().Add(time.Hour))
			_, bearer := newToken(t, org, d, &at)
			opens(t, s, bearer, true)
			clock.Advance(time.Hour - time.Millisecond)
			opens(t, s, bearer, true)
			clock.Advance(time.Millisecond) // remembered or not
			opens(t, s, bearer, false)
			newToken(t, org, d, nil)
			listed, err := directory.Of(org, d.ID).Tokens(t.Context())
			if err != nil || len(listed) != 3 {
				t.Error(listed, err)
			}
			_, _, err = directory.Of(org, d.ID).CreateToken(t.Context(), "past", &at)
			storetest.WantKind(t, err, model.Invalid, "expires_at")
		})
		t.Run("a revoked one opens nothing at once, nor in a process that remembers it", func(t *testing.T) {
			d := storetest.Directory(t, org)
			token, bearer := newToken(t, org, d, nil)
			other := modeltest.Open(t, db, store.Options{Now: clock.Now})
			opens(t, s, bearer, true)
			opens(t, other, bearer, true)
			got := storetest.NewEvents(t, s, org,
				func() { storetest.Must(t, directory.Of(org, d.ID).RevokeToken(t.Context(), token.ID)) })
			if len(got) != 1 || got[0] != directory.DirectoryTokenRevoked {
				t.Error(got)
			}
			opens(t, s, bearer, false)
			remembered, err := directory.Across(other).Authenticate(t.Context(), bearer)
			storetest.Must(t, err)
			there := remembered.Contents(other.Org(org.ID, model.System))
			storetest.WantKind(t, there.Confirm(t.Context()), model.Denied, directory.TokenField)
			_, err = there.CreateUser(t.Context(), map[string]any{"userName": "eve"})
			storetest.WantKind(t, err, model.Denied, directory.TokenField)
			clock.Advance(time.Second)
			opens(t, other, bearer, false)
			storetest.WantKind(t, directory.Of(org, d.ID).RevokeToken(t.Context(), token.ID), model.NotFound)
		})
		t.Run("of those who revoke one at once one succeeds, with one event", func(t *testing.T) {
			d := storetest.Directory(t, org)
			token, _ := newToken(t, org, d, nil)
			got := storetest.NewEvents(t, s, org, func() {
				errs := storetest.Together(4, func(int) error {
					return directory.Of(org, d.ID).RevokeToken(t.Context(),
						token.ID)
				})
				if n := len(slices.DeleteFunc(errs, func(err error) bool { return err != nil })); n != 1 {
					t.Errorf("%d succeeded", n)
				}
			})
			if len(got) != 1 {
				t.Error(got)
			}
		})
		t.Run("what is no token opens nothing", func(t *testing.T) {
			d := storetest.Directory(t, org)
			_, bearer := newToken(t, org, d, nil)
			for _, wrong := range []string{"", "rc_dt_", bearer + "x", strings.ToUpper(bearer), bearer[:len(bearer)-1],
				" " + bearer} {
				opens(t, s, wrong, false)
			}
		})
		t.Run("one of a directory that is gone opens nothing", func(t *testing.T) {
			d := storetest.Directory(t, org)
			_, bearer := newToken(t, org, d, nil)
			opens(t, s, bearer, true)
			storetest.Must(t, directory.In(org).DeleteDirectory(t.Context(), d.ID))
			opens(t, s, bearer, false)
		})
		t.Run("the first use links the directory, with one event, also of requests at once", func(t *testing.T) {
			d := storetest.Directory(t, org)
			_, bearer := newToken(t, org, d, nil)
			if d.State != directory.DirectoryValidating {
				t.Error(d.State)
			}
			got := storetest.NewEvents(t, s, org, func() {
				for _, err := range storetest.Together(8, func(i int) error {
					d, err := directoryByToken(t, s, bearer)
					if err == nil && d.State != directory.DirectoryLinked {
						err = fmt.Errorf("the directory is %s", d.State)
					}
					return err
				}) {
					storetest.Must(t, err)
				}
			})
			if len(got) != 1 || got[0] != directory.DirectoryActivated {
				t.Error(got)
			}
			all := storetest.Events(t, s, org)
			if last := all[len(all)-1]; !strings.Contains(last.Data, `"state":"active"`) || last.Actor != d.Actor() {
				t.Error(last)
			}
			if after, err := directory.In(org).Directory(t.Context(), d.ID); err != nil ||
				after.State != directory.DirectoryLinked {
				t.Error(after, err)
			}
		})
		t.Run("its use is noted, to about ten minutes", func(t *testing.T) {
			d := storetest.Directory(t, org)
			token, bearer := newToken(t, org, d, nil)
			used := func() *model.Time {
				listed, err := directory.Of(org, d.ID).Tokens(t.Context())
				storetest.Must(t, err)
				return listed[slices.IndexFunc(listed,
					func(l directory.DirectoryToken) bool { return l.ID == token.ID })].LastUsedAt
			}
			if used() != nil {
				t.Error("used before it was")
			}
			opens(t, s, bearer, true)
			first := used()
			clock.Advance(9 * time.Minute)
			opens(t, s, bearer, true)
			if first == nil || *used() != *first {
				t.Error(first, used())
			}
			clock.Advance(time.Minute)
			opens(t, s, bearer, true)
			if *used() != model.TimeOf(clock.Now()) {
				t.Error(used())
			}
		})
		t.Run("what is remembered costs no statement", func(t *testing.T) {
			var counter modeltest.Statements
			o := counter.Options()
			o.Now = clock.Now
			s := modeltest.Open(t, db, o)
			d := storetest.Directory(t, org)
			_, bearer := newToken(t, org, d, nil)
			opens(t, s, bearer, true)
			if got := counter.During(func() { opens(t, s, bearer, true) }); len(got) != 0 {
				t.Error(got)
			}
			clock.Advance(time.Second)
			// The token, its directory, and the schemas that the organization declares.
			if got := counter.During(func() { opens(t, s, bearer, true) }); len(got) != 3 {
				t.Error(got)
			}
		})
		t.Run("a rename is seen at once", func(t *testing.T) {
			d := storetest.Directory(t, org)
			_, bearer := newToken(t, org, d, nil)
			opens(t, s, bearer, true)
			_, err := directory.In(org).UpdateDirectory(t.Context(), d.ID, storetest.Named("Renamed"))
			storetest.Must(t, err)
			if d, err := directoryByToken(t, s, bearer); err != nil || d.Name != "Renamed" || d.Strict {
				t.Error(d, err)
			}
			_, err = directory.In(org).UpdateDirectory(t.Context(), d.ID, func(d *directory.DirectoryFields) error {
				d.Strict = true
				return nil
			})
			storetest.Must(t, err)
			if d, err := directoryByToken(t, s, bearer); err != nil || d.Name != "Renamed" || !d.Strict ||
				d.State != directory.DirectoryLinked {
				t.Error(d, err)
			}
			for _, name := range []string{"", " ", strings.Repeat("x", 201), "a\x00"} {
				_, err := directory.In(org).UpdateDirectory(t.Context(), d.ID, storetest.Named(name))
				storetest.WantKind(t, err, model.Invalid, "name")
				_, _, err = directory.In(org).CreateDirectory(t.Context(), name, "okta scim v2.0")
				storetest.WantKind(t, err, model.Invalid, "name")
				_, _, err = directory.Of(org, d.ID).CreateToken(t.Context(), name, nil)
				storetest.WantKind(t, err, model.Invalid, "name")
			}
			_, _, err = directory.In(org).CreateDirectory(t.Context(), "Name", "carrier pigeon")
			storetest.WantKind(t, err, model.Invalid, "type")
		})
	})
}

func TestSecretsAreStoredAsHashesOnly(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		_, bearer := newToken(t, org, d, nil)
		key, err := organization.Across(s).CreateApplication(t.Context(),
			&organization.Application{ApplicationFields: organization.ApplicationFields{
				Name: "App",
			}}, nil)
		storetest.Must(t, err)
		_, err = directoryByToken(t, s, bearer)
		storetest.Must(t, err)
		for _, secret := range []string{bearer, key} {
			secret = secret[strings.LastIndex(secret[:7], "_")+1:]
			for _, row := range storetest.Dump(t, s, nil) {
				// Bytes are printed as numbers.
				if strings.Contains(row, secret) ||
					strings.Contains(row, strings.Trim(fmt.Sprint([]byte(secret)), "[]")) {
					t.Errorf("%q is in %s", secret, row)
				}
			}
		}
	})
}
