package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/modeltest"
)

// demo is a running demo with the text and the addresses that its screen shows.
type demo struct {
	screen        string
	app, idp, api string // URLs
	key           string
	stop          func() int // ends it and returns its exit status
	problems      *synchronized
}

func startDemo(t *testing.T) *demo {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	var out, problems synchronized
	p := program{out: &out, err: &problems}
	ended, status := make(chan struct{}), 0
	go func() {
		defer close(ended)
		status = p.run(ctx,
			[]string{"demo", "--listen", "127.0.0.1:0", "--idp-listen", "127.0.0.1:0", "--app-listen", "127.0.0.1:0"})
	}()
	d := &demo{problems: &problems, stop: func() int {
		cancel()
		<-ended
		return status
	}}
	t.Cleanup(func() { d.stop() })
	modeltest.Eventually(t, func() bool {
		return strings.Contains(out.String(), "Ctrl-C stops it") || problems.String() != ""
	})
	if problems.String() != "" {
		t.Fatal(problems.String())
	}
	d.screen = out.String()[strings.Index(out.String(), "Rollcall is running"):]
	d.readScreen(t)
	return d
}

// readScreen reads the addresses and the key from the screen.
func (d *demo) readScreen(t *testing.T) {
	t.Helper()
	for into, pattern := range map[*string]string{
		&d.app: `(http://localhost:\d+) +Proseware Analytics`, &d.idp: `(http://localhost:\d+) +Northwind Directory`,
		&d.api: `(http://127\.0\.0\.1:\d+) +Rollcall`, &d.key: `KEY=(sk_\S+)`,
	} {
		m := regexp.MustCompile(pattern).FindStringSubmatch(d.screen)
		if m == nil {
			t.Fatalf("the screen has no %s:\n%s", pattern, d.screen)
		}
		*into = m[1]
	}
}

func TestDemo(t *testing.T) {
	d := startDemo(t)
	rows := 0
	for line := range strings.Lines(d.screen) {
		rows += 1 + (len([]rune(line))-2)/80 // the length of the line without its end, when wrapped
	}
	if rows > 23 {
		t.Errorf("the screen has %d lines in a window of 80 columns, want at most 23 and one for the cursor:\n%s",
			rows, d.screen)
	}
	_, commands, ok := strings.Cut(d.screen, "in another terminal:\n")
	commands, _, _ = strings.Cut(commands, "\nCtrl-C")
	if !ok {
		t.Fatalf("the screen has no commands:\n%s", d.screen)
	}
	paste := func() string {
		t.Helper()
		shown, err := exec.CommandContext(t.Context(), "bash", "-uc", commands).CombinedOutput()
		if err != nil {
			t.Fatalf("the commands: %v\n%s", err, shown)
		}
		return string(shown)
	}
	before := paste()
	n := strings.Count(before, `@contoso.example"	"state":"active"`)
	if n != 25 || strings.Contains(before, `"event":`) {
		t.Fatalf("%d active people, want 25 and no event yet:\n%s", n, before)
	}
	// Press a button as the page does.
	page := request(t, http.MethodGet, d.idp+"/applications/1", "", "")
	unassign := regexp.MustCompile(`action="(/applications/1/people/([^"/]+)/unassign)"`).FindStringSubmatch(page.body)
	if unassign == nil {
		t.Fatalf("the page has no unassign button: %d", page.status)
	}
	if pressed := press(t, d.idp+unassign[1]); pressed.status != http.StatusOK {
		t.Fatalf("unassign: %d %s", pressed.status, pressed.body)
	}
	address := unassign[2] + "@contoso.example"
	people, happened, ok := strings.Cut(paste(), `"event":`)
	if n := strings.Count(people, `"state":"active"`); n != 24 ||
		!strings.Contains(people, `"username":"`+address+`"	"state":"inactive"`) {
		t.Errorf("%d active people, want 24 and %s inactive:\n%s", n, address, people)
	}
	happened, left, hasLeft := strings.Cut(happened, `{"object":"list"`)
	// The demo's account gives every user a license and the group Viewers.
	want := `"dsync.user.updated"
"email":"` + address + `"
"event":"user.access_ended"
"reason":"deprovisioned"
"event":"license.revoked"
"event":"group.unassigned"
`
	if !ok || !hasLeft {
		t.Fatalf("no events, or no list of whose access has ended: %q %q", happened, left)
	}
	if diff := cmp.Diff(want, happened); diff != "" {
		t.Errorf("the events (-want +got):\n%s", diff)
	}
	if !strings.Contains(left, `"reason":"deprovisioned"`) {
		t.Errorf("whose access has ended: %s", left)
	}
	if code := d.stop(); code != 0 {
		t.Errorf("it ends with %d: %s", code, d.problems.String())
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "rollcall-demo-*")); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}

// press sends a form of the identity provider and asks for JSON, as a script does.
func press(t *testing.T, url string) answer {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return answer{status: response.StatusCode}
}
