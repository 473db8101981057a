package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/model/modeltest"
)

// TestStartEndsWhenTheDatabaseRefuses starts against servers that refuse for good: waiting for them
// would hide the reason in a log that goes on for ever.
func TestStartEndsWhenTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	database := modeltest.StartPostgres(t)
	stranger := strings.Replace(database.URL("rollcall"), "user=rollcall", "user=stranger", 1)
	for name, test := range map[string]struct{ url, want string }{
		"a wrong password": {refusing(t, "28P01", "password authentication failed"),
			"password authentication failed (28P01): the password"},
		"a missing database":    {database.URL("nowhere"), `database "nowhere" does not exist (3D000): the database`},
		"a user without a role": {stranger, `role "stranger" does not exist (28000): the user`},
	} {
		for _, command := range []string{"serve", "migrate"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			var out synchronized
			p := program{out: &out, err: &out, environ: []string{"ROLLCALL_LISTEN=127.0.0.1:0", secretKey,
				"ROLLCALL_DATABASE_URL=" + test.url}}
			if code := p.run(ctx, []string{command}); code != 1 || ctx.Err() != nil {
				t.Errorf("%s: %s ends with %d %v", name, command, code, ctx.Err())
			}
			if want := "rollcall " + command + ": " + test.want; !strings.Contains(out.String(), want) {
				t.Errorf("%s: %s says %s, want %s", name, command, out.String(), want)
			}
			if strings.Contains(out.String(), "hunter2secret") {
				t.Errorf("%s: the password is told: %s", name, out.String())
			}
			cancel()
		}
	}
}

// refusing returns the URL of a server that answers each connection with an error.
func refusing(t *testing.T, code, message string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	fields := "SFATAL\x00VFATAL\x00C" + code + "\x00M" + message + "\x00\x00"
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1024))
			_, _ = c.Write(append([]byte{'E', 0, 0, 0, byte(len(fields) + 4)}, fields...))
			_ = c.Close()
		}
	}()
	return "postgres://rollcall:hunter2secret@" + l.Addr().String() + "/rollcall?sslmode=disable"
}

// TestDatabaseWithoutItsKeyFile restores a SQLite database without the key file beside it.
func TestDatabaseWithoutItsKeyFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "rollcall.db")
	run := func(args ...string) (int, string) {
		var out bytes.Buffer
		p := program{environ: []string{"ROLLCALL_DATABASE_URL=sqlite:" + file, "ROLLCALL_LISTEN=127.0.0.1:0"},
			out: &out, err: &out}
		return p.run(t.Context(), args), out.String()
	}
	if code, out := run("migrate"); code != 0 {
		t.Fatalf("migrate: %d %s", code, out)
	}
	key := file + ".key"
	if err := os.Rename(key, key+".kept"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve"}, {"migrate"}, {"operator", "list"}} {
		code, out := run(args...)
		if code != 1 || !strings.Contains(out, "secret key file "+key+" is missing") {
			t.Errorf("%v: %d %s, want the missing file", args, code, out)
		}
		if _, err := os.Stat(key); err == nil {
			t.Fatalf("%v made another key", args)
		}
	}
	if err := os.Rename(key+".kept", key); err != nil {
		t.Fatal(err)
	}
	if code, out := run("operator", "list"); code != 0 {
		t.Errorf("with its key again: %d %s", code, out)
	}
}
