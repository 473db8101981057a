//go:build interop

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// pictures is where make screenshots wants the pictures of the pages.
var pictures = flag.String("pictures", "", "the `FOLDER` for the pictures of TestInteropPagesBrowser")

// TestInteropPagesBrowser looks at every page of the server in Debian's Chromium: axe-core finds no
// violation in either theme, on a phone or on a desktop, no page is wider than a window of 320
// pixels, asks another host or makes the browser complain, and the keyboard reaches all of it.
func TestInteropPagesBrowser(t *testing.T) {
	const operator = "ada@operator.example"
	folder := t.TempDir()
	d := startDemoProgramIn(t, folder)
	databases, err := filepath.Glob(filepath.Join(folder, "*", "rollcall.db"))
	if err != nil || len(databases) != 1 {
		t.Fatalf("databases %v, %v", databases, err)
	}
	create := exec.CommandContext(t.Context(), filepath.Join("..", "..", "bin", "rollcall"), "operator", "create",
		"--email", operator)
	create.Env = append(os.Environ(), "ROLLCALL_DATABASE_URL=sqlite:"+databases[0])
	printed, err := create.CombinedOutput()
	password := regexp.MustCompile(`(?m)^  (\S{20,})$`).FindSubmatch(printed)
	if err != nil || password == nil {
		t.Fatalf("%v: %s", err, printed)
	}
	listed := request(t, http.MethodGet, d.api+"/organizations?domains=fabrikam.example", d.key, "")
	organization := regexp.MustCompile(`org_[0-9A-Z]+`).FindString(listed.body)
	made := request(t, http.MethodPost, d.api+"/organizations", d.key, `{"name": "Tailspin Toys"}`)
	customer := regexp.MustCompile(`org_[0-9A-Z]+`).FindString(made.body)
	made = request(t, http.MethodPost, d.api+"/organizations/"+customer+"/setup_links", d.key,
		`{"scopes": ["domains", "sso", "directory", "token", "enforce"]}`)
	setup := regexp.MustCompile(`http[^"]*/setup/[^"]+`).FindString(made.body)
	shots := t.ArtifactDir()
	if *pictures != "" {
		shots = *pictures
	}
	var problems bytes.Buffer
	c := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "browser", "pages.mjs"),
		filepath.Join("..", "..", ".cache", "browser"), d.api, operator, string(password[1]), organization, d.idp,
		setup, shots)
	c.Stderr = &problems
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, problems.Bytes())
	}
	var report struct {
		Seen []struct {
			Name, URL, Title string
			Checks, Stops    int
		}
		Problems []string
		Bytes    struct{ First, Second int }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, problem := range report.Problems {
		t.Error(problem)
	}
	for _, page := range report.Seen {
		t.Logf("%-24s %-50s %3d checks passed, %2d stops of Tab", page.Name, page.Title, page.Checks, page.Stops)
		if page.Checks < 40 {
			t.Errorf("%s: only %d checks passed", page.Name, page.Checks)
		}
	}
	if len(report.Seen) < 44 {
		t.Errorf("only %d pages", len(report.Seen))
	}
	if first, second := report.Bytes.First, report.Bytes.Second; first == 0 || first > 100<<10 || second > 4<<10 {
		t.Errorf("a first visit brings %d bytes, the next %d", first, second)
	}
	t.Logf("a first visit brings %d bytes, the next %d", report.Bytes.First, report.Bytes.Second)
}
