package model_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// directoryByToken is the directory that a token opens.
func directoryByToken(t testing.TB, s *model.Store, token string) (*model.Directory, error) {
	t.Helper()
	a, err := s.Authenticate(t.Context(), token)
	if err != nil {
		return nil, err
	}
	return &a.Directory, nil
}

// clocked opens a store whose clock the test moves.
func clocked(t testing.TB, db modeltest.Database) (*model.Store, *modeltest.Clock) {
	t.Helper()
	clock := modeltest.NewClock()
	return modeltest.Open(t, db, model.Options{Now: clock.Now}), clock
}

func newToken(t testing.TB, org *model.Org, d *model.Directory, expires *model.Time) (*model.DirectoryToken, string) {
	t.Helper()
	token, bearer, err := org.CreateDirectoryToken(t.Context(), d.ID, "token", expires)
	must(t, err)
	return token, bearer
}

func TestDirectoryTokens(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s, clock := clocked(t, db)
		org, _ := contoso(t, s)
		opens := func(t *testing.T, s *model.Store, bearer string, want bool) {
			t.Helper()
			d, err := directoryByToken(t, s, bearer)
			if want {
				must(t, err)
				if d.OrganizationID != org.ID {
					t.Error(d)
				}
				return
			}
			wantKind(t, err, model.Denied)
		}
		t.Run("a directory has two valid ones at most, also when they are asked for at once", func(t *testing.T) {
			d, first, err := org.CreateDirectory(t.Context(), "Okta", "okta scim v2.0")
			must(t, err)
			errs := together(5, func(int) error {
				_, _, err := org.CreateDirectoryToken(t.Context(), d.ID, "another", nil)
				return err
			})
			errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
			if len(errs) != 4 {
				t.Errorf("%d of 5 were refused", len(errs))
			}
			for _, err := range errs {
				wantKind(t, err, model.Conflict)
			}
			opens(t, s, first, true)
		})
		t.Run("an expired one opens nothing, from its moment on, and makes room", func(t *testing.T) {
			d := directory(t, org)
			at := model.TimeOf(clock.Now().Add(time.Hour))
			_, bearer := newToken(t, org, d, &at)
			opens(t, s, bearer, true)
			clock.Advance(time.Hour - time.Millisecond)
			opens(t, s, bearer, true)
			clock.Advance(time.Millisecond) // remembered or not
			opens(t, s, bearer, false)
			newToken(t, org, d, nil)
			listed, err := org.DirectoryTokens(t.Context(), d.ID)
			if err != nil || len(listed) != 3 {
				t.Error(listed, err)
			}
			_, _, err = org.CreateDirectoryToken(t.Context(), d.ID, "past", &at)
			wantKind(t, err, model.Invalid, "expires_at")
		})
		t.Run("a revoked one opens nothing at once here, and within a second in another process", func(t *testing.T) {
			d := directory(t, org)
			token, bearer := newToken(t, org, d, nil)
			other := modeltest.Open(t, db, model.Options{Now: clock.Now})
			opens(t, s, bearer, true)
			opens(t, other, bearer, true)
			got := newEvents(t, s, org, func() { must(t, org.RevokeDirectoryToken(t.Context(), d.ID, token.ID)) })
			if len(got) != 1 || got[0] != model.DirectoryTokenRevoked {
				t.Error(got)
			}
			opens(t, s, bearer, false)
			clock.Advance(time.Second)
			opens(t, other, bearer, false)
			wantKind(t, org.RevokeDirectoryToken(t.Context(), d.ID, token.ID), model.NotFound)
		})
		t.Run("of those who revoke one at once one succeeds, with one event", func(t *testing.T) {
			d := directory(t, org)
			token, _ := newToken(t, org, d, nil)
			got := newEvents(t, s, org, func() {
				errs := together(4, func(int) error { return org.RevokeDirectoryToken(t.Context(), d.ID, token.ID) })
				if n := len(slices.DeleteFunc(errs, func(err error) bool { return err != nil })); n != 1 {
					t.Errorf("%d succeeded", n)
				}
			})
			if len(got) != 1 {
				t.Error(got)
			}
		})
		t.Run("what is no token opens nothing", func(t *testing.T) {
			d := directory(t, org)
			_, bearer := newToken(t, org, d, nil)
			for _, wrong := range []string{"", "rc_dt_", bearer + "x", strings.ToUpper(bearer), bearer[:len(bearer)-1], " " + bearer} {
				opens(t, s, wrong, false)
			}
		})
		t.Run("one of a directory that is gone opens nothing", func(t *testing.T) {
			d := directory(t, org)
			_, bearer := newToken(t, org, d, nil)
			opens(t, s, bearer, true)
			must(t, org.DeleteDirectory(t.Context(), d.ID))
			opens(t, s, bearer, false)
		})
		t.Run("the first use links the directory, with one event whoever comes first", func(t *testing.T) {
			d := directory(t, org)
			_, bearer := newToken(t, org, d, nil)
			if d.State != model.DirectoryValidating {
				t.Error(d.State)
			}
			got := newEvents(t, s, org, func() {
				for _, err := range together(8, func(i int) error {
					d, err := directoryByToken(t, s, bearer)
					if err == nil && d.State != model.DirectoryLinked {
						err = fmt.Errorf("the directory is %s", d.State)
					}
					return err
				}) {
					must(t, err)
				}
			})
			if len(got) != 1 || got[0] != model.DirectoryActivated {
				t.Error(got)
			}
			all := events(t, s, org)
			if last := all[len(all)-1]; !strings.Contains(last.Data, `"state":"active"`) || last.Actor != d.Actor() {
				t.Error(last)
			}
			if after, err := org.Directory(t.Context(), d.ID); err != nil || after.State != model.DirectoryLinked {
				t.Error(after, err)
			}
		})
		t.Run("its use is noted, to about ten minutes", func(t *testing.T) {
			d := directory(t, org)
			token, bearer := newToken(t, org, d, nil)
			used := func() *model.Time {
				listed, err := org.DirectoryTokens(t.Context(), d.ID)
				must(t, err)
				return listed[slices.IndexFunc(listed, func(l model.DirectoryToken) bool { return l.ID == token.ID })].LastUsedAt
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
			d := directory(t, org)
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
			d := directory(t, org)
			_, bearer := newToken(t, org, d, nil)
			opens(t, s, bearer, true)
			_, err := org.UpdateDirectory(t.Context(), d.ID, named("Renamed"))
			must(t, err)
			if d, err := directoryByToken(t, s, bearer); err != nil || d.Name != "Renamed" || d.Strict {
				t.Error(d, err)
			}
			_, err = org.UpdateDirectory(t.Context(), d.ID, func(d *model.DirectoryFields) error {
				d.Strict = true
				return nil
			})
			must(t, err)
			if d, err := directoryByToken(t, s, bearer); err != nil || d.Name != "Renamed" || !d.Strict || d.State != model.DirectoryLinked {
				t.Error(d, err)
			}
			for _, name := range []string{"", " ", strings.Repeat("x", 201), "a\x00"} {
				_, err := org.UpdateDirectory(t.Context(), d.ID, named(name))
				wantKind(t, err, model.Invalid, "name")
				_, _, err = org.CreateDirectory(t.Context(), name, "okta scim v2.0")
				wantKind(t, err, model.Invalid, "name")
				_, _, err = org.CreateDirectoryToken(t.Context(), d.ID, name, nil)
				wantKind(t, err, model.Invalid, "name")
			}
			_, _, err = org.CreateDirectory(t.Context(), "Name", "carrier pigeon")
			wantKind(t, err, model.Invalid, "type")
		})
	})
}

func TestSecretsAreStoredAsHashesOnly(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		_, bearer := newToken(t, org, d, nil)
		key, err := s.CreateApplication(t.Context(), &model.Application{ApplicationFields: model.ApplicationFields{
			Name: "App",
		}}, nil)
		must(t, err)
		_, err = directoryByToken(t, s, bearer)
		must(t, err)
		for _, secret := range []string{bearer, key} {
			secret = secret[strings.LastIndex(secret[:7], "_")+1:]
			for _, row := range dump(t, s, nil) {
				// Bytes are printed as numbers.
				if strings.Contains(row, secret) || strings.Contains(row, strings.Trim(fmt.Sprint([]byte(secret)), "[]")) {
					t.Errorf("%q stands in %s", secret, row)
				}
			}
		}
	})
}
