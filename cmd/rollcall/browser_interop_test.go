//go:build interop

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen is a page as the browser shows it.
type seen struct {
	URL, Title, Text string
	Wide             []int // the widths of windows in which the page is wider than the window
}

// browserCookie is a cookie that the browser has stored.
type browserCookie struct {
	Name, Domain, Path string
	HTTPOnly, Secure   bool
	SameSite           string
}

// TestInteropDemoBrowser walks through the demo in Debian's Chromium, which decides which cookies a
// request has and what a page may do. make interop builds the program and installs the driver of
// the browser.
func TestInteropDemoBrowser(t *testing.T) {
	d := startDemoProgram(t)
	var problems bytes.Buffer
	c := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "browser", "walk.mjs"),
		filepath.Join("..", "..", ".cache", "browser"), d.app, d.idp, d.api, t.TempDir(), t.ArtifactDir())
	c.Stderr = &problems
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, problems.Bytes())
	}
	var report map[string]json.RawMessage
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	shown := func(page, at string, texts ...string) seen {
		t.Helper()
		var s seen
		read(t, report, page, &s)
		if !strings.HasPrefix(s.URL, at) || len(s.Wide) > 0 {
			t.Errorf("%s: at %s, want %s; wider than windows of %v", page, s.URL, at, s.Wide)
		}
		for _, text := range texts {
			if !strings.Contains(s.Text, text) {
				t.Errorf("%s does not show %q: %s", page, text, s.Text)
			}
		}
		return s
	}
	kwame := []string{"Kwame Mensah", "kwame.mensah@contoso.example", "Role member", "Engineering Everyone Sales"}
	ended := []string{"Your access has ended", "no longer assigns", "Reason deprovisioned", "Kwame Mensah",
		"Try to sign in again"}
	shown("welcome", d.app, "Sign in with SSO Contoso", "Sign in with SSO Fabrikam")
	shown("choice", d.idp, "Sign in to Contoso as")
	shown("signedIn", d.app, append(kwame, "looks again every three seconds")...)
	shown("back", d.app, kwame...)
	shown("question", d.api, "You are signed in as noor.alfarsi@fabrikam.example at Fabrikam", "Stay signed in")
	shown("afterBack", d.app, kwame...)
	shown("tab", d.app, kwame...)
	shown("again", d.app, kwame...)
	shown("unassigned", d.idp, "Unassign Kwame Mensah: done")
	shown("ended", d.app, ended...)
	shown("tabEnded", d.app, ended...)
	refused := shown("refused", d.api, "You were not signed in", "Reference")
	refusedURL, err := url.Parse(refused.URL)
	if err != nil {
		t.Fatal(err)
	}
	d.explains(t, visited{answer{body: refused.Text}, refusedURL}, "deactivated")
	shown("person", d.idp, "Open Contoso")
	shown("tile", d.app, "Priya Raman", "OktaSAML")
	shown("signedOut", d.app, "Sign in with SSO")
	shown("afterwards", d.app, "Sign in with SSO")
	shown("plainAnswer", d.idp, "Continue to Fabrikam")
	s := shown("plain", d.app, "Noor Al-Farsi", "AzureSAML", "Engineering Everyone Finance")
	if strings.Contains(s.Text, "three seconds") {
		t.Errorf("without JavaScript the page promises to look again: %s", s.Text)
	}
	shown("login", d.api+"/login", "E-mail address")
	shown("homeRealm", d.idp)
	shown("password", d.api+"/login", "With a password")
	shown("wrongPassword", d.api+"/login", "wrong")
	checkCookies(t, report)
	checkErrors(t, report)
}

func read(t *testing.T, report map[string]json.RawMessage, name string, into any) {
	t.Helper()
	if err := json.Unmarshal(report[name], into); err != nil {
		t.Fatalf("%s: %v: %s", name, err, report[name])
	}
}

// checkCookies compares the cookies of the three servers. Only those that open nothing may be sent
// with a request from another site, because the identity provider's form is one. Each login has a
// cookie of its own, named by its id.
func checkCookies(t *testing.T, report map[string]json.RawMessage) {
	t.Helper()
	var cookies []browserCookie
	read(t, report, "cookies", &cookies)
	for i, c := range cookies {
		if strings.HasPrefix(c.Name, "rollcall-login-") {
			cookies[i].Name = "rollcall-login-id"
		}
	}
	cookies = slices.Compact(cookies)
	want := []browserCookie{
		{Name: "northwind", Domain: "localhost", Path: "/applications/1", HTTPOnly: true, SameSite: "Lax"},
		{Name: "proseware_analytics", Domain: "localhost", Path: "/", HTTPOnly: true, SameSite: "Lax"},
		{Name: "rollcall", Domain: "127.0.0.1", Path: "/", HTTPOnly: true, SameSite: "Lax"},
		{Name: "rollcall-login", Domain: "127.0.0.1", Path: "/", HTTPOnly: true, Secure: true, SameSite: "None"},
		{Name: "rollcall-login-id", Domain: "127.0.0.1", Path: "/", HTTPOnly: true, Secure: true, SameSite: "None"},
		{Name: "rollcall-session", Domain: "127.0.0.1", Path: "/", HTTPOnly: true, Secure: true, SameSite: "None"},
	}
	if diff := cmp.Diff(want, cookies); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
	var sites []string
	read(t, report, "sites", &sites)
	// Two in the first tab and after its back button, one that is refused, and two from the tile.
	diff := cmp.Diff([]string{"cross-site", "cross-site", "cross-site", "cross-site", "cross-site"}, sites)
	if diff != "" {
		t.Errorf("Sec-Fetch-Site of the responses' forms (-want +got):\n%s", diff)
	}
}

// checkErrors checks that the browser reports no error, such as a violation of a
// Content-Security-Policy, except the status of the two pages that are refusals.
func checkErrors(t *testing.T, report map[string]json.RawMessage) {
	t.Helper()
	var status int
	if read(t, report, "refusedStatus", &status); status != http.StatusForbidden {
		t.Errorf("the new sign-in is answered %d, want 403", status)
	}
	var complaints []string
	read(t, report, "errors", &complaints)
	for _, text := range complaints {
		if !strings.Contains(text, "/acs: Failed to load resource: the server responded with a status of 403") {
			t.Errorf("the browser complains: %s", text)
		}
	}
}

// startDemoProgram starts bin/rollcall demo on free ports.
func startDemoProgram(t *testing.T) *demo {
	t.Helper()
	return startDemoProgramIn(t, t.TempDir())
}

// startDemoProgramIn is startDemoProgram with the folder for the demo's own one.
func startDemoProgramIn(t *testing.T, folder string) *demo {
	t.Helper()
	c := exec.Command(filepath.Join("..", "..", "bin", "rollcall"), "demo",
		"--listen", "127.0.0.1:0", "--idp-listen", "127.0.0.1:0", "--app-listen", "127.0.0.1:0")
	c.Env = append(os.Environ(), "TMPDIR="+folder)
	var problems synchronized
	c.Stderr = &problems
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			t.Errorf("the demo ends with %v: %s", err, problems.String())
		}
	})
	d := &demo{problems: &problems}
	for lines := bufio.NewScanner(out); !strings.Contains(d.screen, "Ctrl-C stops it"); {
		if !lines.Scan() {
			t.Fatalf("the demo ended: %s", problems.String())
		}
		d.screen += lines.Text() + "\n"
	}
	d.readScreen(t)
	return d
}
