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
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestREADMEFirstSteps does what the README tells a newcomer to type, word for word but for the
// port: its first block of commands in one terminal, the others in another.
func TestREADMEFirstSteps(t *testing.T) {
	t.Parallel()
	folder, address := newcomer(t)
	out := typeCommands(t, folder, address, commandsUnder(t, "First steps")[1:])
	t.Logf("the newcomer sees:\n%s", out)

	type item struct {
		Email, State, Event string
		Data                struct{ Reason string }
	}
	type list struct {
		Active *bool
		Data   []item
	}
	var shown []list
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
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

// TestREADMEPasswords goes on where the first steps end, as an administrator does.
func TestREADMEPasswords(t *testing.T) {
	t.Parallel()
	folder, address := newcomer(t)
	steps := append(commandsUnder(t, "First steps")[1:], "echo; echo Passwords")
	_, out, ok := bytes.Cut(typeCommands(t, folder, address, append(steps, commandsUnder(t, "Passwords for administrators")...)), []byte("\nPasswords\n"))
	if !ok {
		t.Fatal("the first steps did not end")
	}
	t.Logf("the administrator sees:\n%s", out)
	for _, want := range []string{"\n200\n303\n", `"method":"password"`, `"role":"admin"`, `"email":"hedy@northwind.example"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("there is no %q", want)
		}
	}
}

// signPeopleIn starts the identity provider of the README's chapter on an address of its own, and
// returns what else is typed there.
func signPeopleIn(t *testing.T, folder string) []string {
	t.Helper()
	blocks, idp := commandsUnder(t, "Sign people in"), freeAddress(t)
	start, steps := blocks[1], slices.Delete(slices.Clone(blocks), 1, 2)
	if !strings.HasPrefix(start, "bin/rollcall testidp ") {
		t.Fatalf("the second block does not start the identity provider:\n%s", start)
	}
	typeServer(t, folder, strings.TrimSpace(start)+" --listen "+idp, "http://"+idp+"/")
	for i, block := range steps {
		steps[i] = strings.ReplaceAll(block, "127.0.0.1:9090", idp)
	}
	return steps
}

// TestREADMESignPeopleIn goes on where the first steps end, with what the README tells an
// application's developer to type. It moves the ports of the server and of the identity provider.
func TestREADMESignPeopleIn(t *testing.T) {
	t.Parallel()
	folder, address := newcomer(t)
	steps := append(commandsUnder(t, "First steps")[1:], "echo; echo Sign people in")
	steps = append(steps, signPeopleIn(t, folder)...)
	steps = append(append(steps, "echo; echo Tune"), commandsUnder(t, "Tune a SAML connection")...)
	_, out, ok := bytes.Cut(typeCommands(t, folder, address, steps), []byte("\nSign people in\n"))
	if !ok {
		t.Fatal("the first steps did not end")
	}
	out, tuned, _ := bytes.Cut(out, []byte("\nTune\n"))
	if !bytes.Contains(tuned, []byte(`"role":"current"`)) {
		t.Errorf("no key was promoted: %s", tuned)
	}
	t.Logf("the developer sees:\n%s", out)
	ended, shown, ok := strings.Cut(string(out), "\n")
	if want := "http://" + address + "/sso/signed-in"; !ok || ended != want {
		t.Errorf("the test login ends at %q, want %s", ended, want)
	}
	var profile struct {
		ID, Email string
		Role      struct{ Slug string }
	}
	var unassigned struct{ Active *bool }
	var refused struct{ Error string }
	var events struct {
		Data []struct {
			Event string
			Data  struct {
				Reason     string
				ProfileIDs []string `json:"profile_ids"`
			}
		}
	}
	d := json.NewDecoder(strings.NewReader(shown))
	for _, into := range []any{&profile, &unassigned, &refused, &events} {
		if err := d.Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	if profile.Email != "grace.whitefeather@northwind.example" || profile.Role.Slug != "member" {
		t.Errorf("the profile is %+v", profile)
	}
	if unassigned.Active == nil || *unassigned.Active || refused.Error == "" {
		t.Errorf("unassigned: %+v, and the profile then: %+v", unassigned, refused)
	}
	if n := len(events.Data); n == 0 || events.Data[n-1].Data.Reason != "deprovisioned" || !slices.Contains(events.Data[n-1].Data.ProfileIDs, profile.ID) {
		t.Errorf("the events are %+v, want her profile %s in the last one", events, profile.ID)
	}
	// The refused sign-in leads nowhere: an empty line, which the decoder passes over.
	var attempts struct {
		Data []struct{ Status, Reason, Message string }
	}
	if err := d.Decode(&attempts); err != nil {
		t.Fatal(err)
	}
	if len(attempts.Data) != 1 || attempts.Data[0].Reason != "deactivated" || attempts.Data[0].Message == "" {
		t.Errorf("the login log is %+v", attempts)
	}
}

// newcomer is a folder in which the first block of the first steps runs, and the server's address.
func newcomer(t *testing.T) (folder, address string) {
	t.Helper()
	folder, address = t.TempDir(), freeAddress(t)
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
	first := commandsUnder(t, "First steps")[0]
	start, ok := strings.CutPrefix(first, "make build\n")
	if !ok {
		t.Fatalf("the first block does not begin with make build:\n%s", first)
	}
	typeServer(t, folder, start, "http://"+address+"/readyz", "ROLLCALL_LISTEN="+address)
	return folder, address
}

// typeCommands types blocks of commands into one terminal and returns what is shown.
func typeCommands(t *testing.T, folder, address string, blocks []string) []byte {
	t.Helper()
	var out, problems bytes.Buffer
	c := exec.CommandContext(t.Context(), "bash", "-euc", strings.ReplaceAll(strings.Join(blocks, "\n"), "127.0.0.1:8080", address))
	c.Dir, c.Stdout, c.Stderr = folder, &out, &problems
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, out.Bytes(), problems.Bytes())
	}
	return out.Bytes()
}

// commandsUnder are the blocks of commands in a section of the README.
func commandsUnder(t *testing.T, title string) []string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## "+title+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) < 2 {
		t.Fatalf("README.md has %d blocks of commands under %q", len(blocks), title)
	}
	return blocks
}

// typeServer types a command that serves until the test ends, and waits until it answers at a URL.
func typeServer(t *testing.T, folder, command, ready string, environ ...string) {
	t.Helper()
	var log bytes.Buffer
	c := exec.Command("bash", "-euc", command)
	c.Dir, c.Stderr = folder, &log
	c.Env = append(append(os.Environ(), runAsProgram+"=1"), environ...)
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
		if answer, err := http.Get(ready); err == nil {
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
