package main

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestREADMEFirstSteps does what the README tells a newcomer to type, word for word but for the
// port: its first block of commands in one terminal, the others in another.
func TestREADMEFirstSteps(t *testing.T) {
	folder, address := t.TempDir(), freeAddress(t)
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(folder, "bin", "rollcall")); err != nil {
		t.Fatal(err)
	}
	blocks := firstSteps(t)
	start, ok := strings.CutPrefix(blocks[0], "make build\n")
	if !ok {
		t.Fatalf("the first block does not begin with make build:\n%s", blocks[0])
	}
	typeServer(t, folder, start, address)

	var out, problems bytes.Buffer
	c := exec.CommandContext(t.Context(), "bash", "-euc", strings.ReplaceAll(strings.Join(blocks[1:], "\n"), "127.0.0.1:8080", address))
	c.Dir, c.Stdout, c.Stderr = folder, &out, &problems
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, out.Bytes(), problems.Bytes())
	}
	t.Logf("the newcomer sees:\n%s", out.Bytes())

	type item struct {
		Email, State, Event string
		Data                struct{ Reason string }
	}
	type list struct {
		Active *bool
		Data   []item
	}
	var shown []list
	for d := json.NewDecoder(&out); d.More(); {
		var l list
		if err := d.Decode(&l); err != nil {
			t.Fatal(err)
		}
		for i := range l.Data {
			// Of the other events only the type is told here.
			if e := &l.Data[i]; e.Event != "" {
				*e = item{Event: e.Event, Data: e.Data}
			}
		}
		shown = append(shown, l)
	}
	ended := item{Event: "user.access_ended", Data: struct{ Reason string }{"deprovisioned"}}
	inactive := false
	want := []list{
		{Data: []item{{Email: "ada@northwind.example", State: "active"}}},
		{Active: &inactive},
		{Data: []item{ended}},
		{Data: []item{
			{Event: "organization.created"}, {Event: "organization_domain.created"}, {Event: "organization_domain.verified"},
			{Event: "dsync.token.created"}, {Event: "dsync.activated"}, {Event: "dsync.user.created"}, {Event: "dsync.user.updated"}, ended,
		}},
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("the answers (-want +got):\n%s", diff)
	}
}

// firstSteps are the blocks of commands in the README's section of that name.
func firstSteps(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## First steps\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) < 2 {
		t.Fatalf("README.md has %d blocks of commands under \"First steps\"", len(blocks))
	}
	return blocks
}

// typeServer types a command that serves until the test ends, and waits until it is ready.
func typeServer(t *testing.T, folder, command, address string) {
	t.Helper()
	var log bytes.Buffer
	c := exec.Command("bash", "-euc", command)
	c.Dir, c.Stderr = folder, &log
	c.Env = append(os.Environ(), runAsProgram+"=1", "ROLLCALL_LISTEN="+address)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		_ = c.Wait()
		if t.Failed() {
			t.Logf("the server's log:\n%s", log.Bytes())
		}
	})
	for range 300 {
		if answer, err := http.Get("http://" + address + "/readyz"); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the server is not ready after 30 s")
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
