package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/search"
	"rollcall/model/store"
)

// internal are words of the implementation that no message may show.
var internal = []string{
	"SELECT", "INSERT", "UPDATE ", "SQLSTATE", "ERROR", "users", "directories", "directory_groups",
	"organization_domains", "constraint", "gorm", "sqlite", "postgres",
	"pgx", "dial", "socket", "rollcall.db", "duplicated", "context",
}

// checkMessage checks that the message of an error has no word of the implementation.
func checkMessage(t testing.TB, err error) {
	t.Helper()
	var e *model.Error
	if !errors.As(err, &e) || e.Message == "" {
		t.Errorf("there is no message for %v", err)
		return
	}
	for _, word := range internal {
		if strings.Contains(e.Message, word) {
			t.Errorf("the message tells %q: %s", word, e.Message)
		}
	}
}

// uses are a read and a write of each sort.
func uses(
	ctx context.Context, s *store.Store, org *store.Org, d *directory.Directory, u *people.User,
) map[string]func() error {
	return map[string]func() error{
		"a read": func() error { _, err := people.In(org).User(ctx, u.ID); return err },
		"a list": func() error {
			_, _, err := directory.Of(org, d.ID).Users(ctx, search.Query{Limit: 10})
			return err
		},
		"a token":  func() error { _, err := directory.Across(s).Authenticate(ctx, "rc_dt_unknown"); return err },
		"a key":    func() error { _, _, err := organization.Across(s).APIKey(ctx, "sk_unknown"); return err },
		"the feed": func() error { _, _, err := s.Events(ctx, model.Everywhere(), store.EventQuery{}); return err },
		"ready":    func() error { return s.Ready(ctx) },
		"a create": func() error {
			_, err := directory.Of(org, d.ID).CreateUser(ctx, storetest.Person("new@contoso.example"))
			return err
		},
		"an update": func() error {
			_, err := directory.Of(org, d.ID).UpdateUser(ctx, u.ID, storetest.Count)
			return err
		},
		"a group": func() error {
			_, err := directory.Of(org, d.ID).CreateGroup(ctx, map[string]any{"displayName": "G"}, nil)
			return err
		},
		"an organization": func() error {
			return operator.Across(s).CreateOrganization(ctx, "operator:test", model.Everywhere(),
				&organization.Organization{OrganizationFields: organization.OrganizationFields{
					Name: "New", Settings: organization.DefaultSettings(),
				}}, nil)
		},
		"an application": func() error {
			a := &organization.Application{ApplicationFields: organization.ApplicationFields{Name: "New"}}
			_, err := organization.Across(s).CreateApplication(ctx, a, nil)
			return err
		},
	}
}

func TestPostgresStopsAndReturns(t *testing.T) {
	server := modeltest.StartPostgres(t)
	s := modeltest.Open(t, modeltest.Database{Name: "postgres", URL: server.URL("rollcall")}, store.Options{})
	org, d := storetest.Contoso(t, s)
	u := storetest.CreateUser(t, org, d, "ada@contoso.example")
	// Many connections, so that many are dead afterwards.
	storetest.Must(t, errors.Join(storetest.Together(16, func(int) error {
		_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.Count)
		return err
	})...))

	// Writers go on while the server stops; what was acknowledged must be there afterwards.
	type written struct {
		names []string
		errs  []error
	}
	stop, results := make(chan bool), make(chan written)
	begun := make(chan bool, 4)
	for w := range 4 {
		go func() {
			var r written
			for i := 0; ; i++ {
				select {
				case <-stop:
					results <- r
					return
				default:
				}
				name := fmt.Sprintf("writer-%d-%d", w, i)
				if _, err := directory.Of(org, d.ID).CreateUser(t.Context(), storetest.Person(name)); err != nil {
					r.errs = append(r.errs, err)
				} else {
					r.names = append(r.names, name)
				}
				if i == 3 {
					begun <- true
				}
			}
		}()
	}
	for range 4 {
		<-begun
	}
	server.StopImmediately(t)
	for name, use := range uses(t.Context(), s, org, d, u) {
		if err := use(); model.KindOf(err) != model.Unavailable {
			t.Errorf("%s while the server is away: kind %d, %v", name, model.KindOf(err), err)
		} else {
			checkMessage(t, err)
		}
	}
	close(stop)
	var acknowledged []string
	for range 4 {
		r := <-results
		acknowledged = append(acknowledged, r.names...)
		for _, err := range r.errs {
			if model.KindOf(err) != model.Unavailable {
				t.Errorf("a writer got %v of kind %d", err, model.KindOf(err))
			}
		}
	}
	storetest.Must(t, server.Start())
	back := time.Now()
	for {
		_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.Count)
		if err == nil {
			break
		}
		if time.Since(back) > 5*time.Second {
			t.Fatalf("5 s after the server's return: %v", err)
		}
	}
	for name, use := range uses(t.Context(), s, org, d, u) {
		if err := use(); err != nil && model.KindOf(err) != model.Denied {
			t.Errorf("%s after the server's return: %v", name, err)
		}
	}
	for _, name := range acknowledged {
		if found := storetest.Filtered(t, org, d.ID, fmt.Sprintf("userName eq %q", name), false); len(found) != 1 {
			t.Errorf("%s was acknowledged and is not there", name)
		}
	}
	t.Logf("%d acknowledged writes", len(acknowledged))
}

// A connection to a server that has become a standby is given up, and the next one may find the new
// leader.
func TestConnectionToAStandbyIsGivenUp(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.Postgres(t), store.Options{})
	org, d := storetest.Contoso(t, s)
	u := storetest.CreateUser(t, org, d, "ada@contoso.example")
	of := directory.Of(org, d.ID)
	for name, write := range map[string]func() error{
		"a statement":   func() error { _, err := of.UpdateUser(t.Context(), u.ID, storetest.Count); return err },
		"a transaction": func() error { return of.DeleteUser(t.Context(), u.ID) },
	} {
		storetest.Must(t, storetest.Across(s, t.Context()).Exec("SET default_transaction_read_only = on").Error)
		err := write()
		storetest.WantKind(t, err, model.Unavailable)
		checkMessage(t, err)
		if _, err := of.UpdateUser(t.Context(), u.ID, storetest.Count); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

func TestSQLiteWithoutWrites(t *testing.T) {
	t.Parallel()
	db := modeltest.SQLite(t)
	s := modeltest.Open(t, db, store.Options{})
	org, d := storetest.Contoso(t, s)
	u := storetest.CreateUser(t, org, d, "ada@contoso.example")
	t.Run("a file that is read-only: reads are answered, writes are refused as unavailable", func(t *testing.T) {
		storetest.Must(t, storetest.Across(s, t.Context()).Exec("PRAGMA query_only = 1").Error)
		for name, use := range uses(t.Context(), s, org, d, u) {
			switch err := use(); {
			case strings.HasPrefix(name, "an ") || name == "a create" || name == "a group":
				if model.KindOf(err) != model.Unavailable {
					t.Errorf("%s: kind %d, %v", name, model.KindOf(err), err)
				}
				checkMessage(t, err)
			case err != nil && model.KindOf(err) != model.Denied:
				t.Errorf("%s: %v", name, err)
			}
		}
		storetest.Must(t, storetest.Across(s, t.Context()).Exec("PRAGMA query_only = 0").Error)
	})
	t.Run("a file that another process keeps locked: writes are refused as busy", func(t *testing.T) {
		other := modeltest.Open(t, db, store.Options{})
		storetest.Must(t, storetest.Across(s, t.Context()).Exec("PRAGMA busy_timeout = 50").Error)
		held := storetest.Across(other, t.Context()).Begin()
		_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.Count)
		storetest.WantKind(t, err, model.Busy)
		checkMessage(t, err)
		if _, err := people.In(org).User(t.Context(), u.ID); err != nil {
			t.Errorf("a read beside the lock: %v", err)
		}
		storetest.Must(t, held.Rollback().Error)
		_, err = directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.Count)
		storetest.Must(t, err)
	})
}

// readOnlyHelper names the file that this test process opens in place of its tests.
const readOnlyHelper = "ROLLCALL_TEST_READ_ONLY_FILE"

// A file is read-only for an unprivileged process only: for root there is no such thing.
func TestSQLiteReadOnlyFile(t *testing.T) {
	t.Parallel()
	if path := os.Getenv(readOnlyHelper); path != "" {
		s, err := store.Open(t.Context(), "sqlite:"+path, storetest.Options())
		if err == nil {
			defer s.Close()
			fields := organization.OrganizationFields{Name: "New", Settings: organization.DefaultSettings()}
			err = operator.Across(s).CreateOrganization(t.Context(), "operator:test", model.Everywhere(),
				&organization.Organization{OrganizationFields: fields}, nil)
		}
		storetest.WantKind(t, err, model.Unavailable)
		checkMessage(t, err)
		return
	}
	folder, err := os.MkdirTemp("", "rollcall-read-only-")
	storetest.Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	path := filepath.Join(folder, "rollcall.db")
	s, err := store.Open(t.Context(), "sqlite:"+path, storetest.Options())
	storetest.Must(t, err)
	storetest.Contoso(t, s)
	storetest.Must(t, s.Close())
	program, err := os.ReadFile(os.Args[0])
	storetest.Must(t, err)
	test := filepath.Join(folder, "model.test") // where anybody may run it
	storetest.Must(t, errors.Join(os.WriteFile(test, program, 0o755), os.Chmod(path, 0o444), os.Chmod(folder, 0o555)))
	c := exec.Command(test, "-test.run=^TestSQLiteReadOnlyFile$", "-test.v")
	c.Dir, c.Env = folder, append(os.Environ(), readOnlyHelper+"="+path)
	if os.Getuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestSQLiteReadOnlyFile") {
		t.Errorf("%v\n%s", err, out)
	}
}
