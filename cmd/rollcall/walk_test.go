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

	"rollcall/model/modeltest"
)

// The documents whose commands are run by tests. Only the ports are changed.
const (
	applicationPage = "docs/application.md"
	operatePage     = "docs/operate.md"
	samlPage        = "docs/connect/saml.md"
)

// reader types the commands of the documents in a folder, with a server of its own.
type reader struct {
	folder, address string
	idp             string // the address of the identity provider, once it is started
}

// newReader starts the server with the first block of commands of the first steps.
func newReader(t *testing.T) *reader {
	t.Helper()
	r := &reader{folder: t.TempDir(), address: freeAddress(t)}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(r.folder, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(r.folder, "bin", "rollcall")); err != nil {
		t.Fatal(err)
	}
	first := commandsUnder(t, applicationPage, "First steps")[0]
	start, ok := strings.CutPrefix(first, "make build\n")
	if !ok {
		t.Fatalf("the first block does not begin with make build:\n%s", first)
	}
	// No DNS server listens there, so the look-up of a domain fails at once.
	r.serve(t, start, "http://"+r.address+"/readyz", "ROLLCALL_LISTEN="+r.address, "ROLLCALL_DNS_SERVERS=127.0.0.1:9")
	return r
}

// chapter has the blocks of commands under one heading of a document.
type chapter struct {
	name   string
	blocks []string
}

// chapter reads a chapter from a document.
func (r *reader) chapter(t *testing.T, page, title string) chapter {
	t.Helper()
	return chapter{title, commandsUnder(t, page, title)}
}

// firstSteps are the commands after the one that starts the server.
func (r *reader) firstSteps(t *testing.T) chapter {
	t.Helper()
	return chapter{"First steps", commandsUnder(t, applicationPage, "First steps")[1:]}
}

// signPeopleIn starts the identity provider of the chapter "Sign people in" on an address of its
// own and returns the other commands of the chapter.
func (r *reader) signPeopleIn(t *testing.T) chapter {
	t.Helper()
	blocks := commandsUnder(t, applicationPage, "Sign people in")
	start := strings.TrimSpace(blocks[1])
	if !strings.HasPrefix(start, "bin/rollcall testidp ") {
		t.Fatalf("the second block does not start the identity provider:\n%s", start)
	}
	r.idp = freeAddress(t)
	r.serve(t, start+" --listen "+r.idp, "http://"+r.idp+"/")
	return chapter{"Sign people in", slices.Delete(blocks, 1, 2)}
}

// types runs the commands of chapters in one shell and returns the output of each chapter.
func (r *reader) types(t *testing.T, chapters ...chapter) map[string]string {
	t.Helper()
	var script strings.Builder
	for _, c := range chapters {
		script.WriteString("echo; echo '== " + c.name + "'\n" + strings.Join(c.blocks, "\n") + "\n")
	}
	text := strings.ReplaceAll(script.String(), "127.0.0.1:8080", r.address)
	if r.idp != "" {
		text = strings.ReplaceAll(text, "127.0.0.1:9090", r.idp)
	}
	var out, problems bytes.Buffer
	c := exec.CommandContext(t.Context(), "bash", "-euc", text)
	c.Dir, c.Stdout, c.Stderr = r.folder, &out, &problems
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, out.Bytes(), problems.Bytes())
	}
	shown := map[string]string{}
	for part := range strings.SplitSeq(out.String(), "\n== ") {
		name, text, _ := strings.Cut(part, "\n")
		shown[name] = text
	}
	for _, c := range chapters {
		t.Logf("%s shows:\n%s", c.name, shown[c.name])
	}
	return shown
}

// serve runs a command that serves until the test ends, and waits until it answers at a URL.
func (r *reader) serve(t *testing.T, command, ready string, environ ...string) {
	t.Helper()
	var log bytes.Buffer
	c := exec.Command("bash", "-euc", command)
	c.Dir, c.Stderr = r.folder, &log
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
	modeltest.Eventually(t, func() bool { return request(t, http.MethodGet, ready, "", "").status == http.StatusOK })
}

// section returns the text of a document under a heading.
func section(t *testing.T, page, title string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(page)))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## "+title+"\n")
	if !found {
		t.Fatalf("%s has no section %q", page, title)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

// codeUnder returns the blocks of one language in a section of a document.
func codeUnder(t *testing.T, page, title, language string) []string {
	t.Helper()
	var blocks []string
	fence := regexp.MustCompile("(?s)```" + language + "\n(.*?)```")
	for _, m := range fence.FindAllStringSubmatch(section(t, page, title), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no block of %s under %q", page, language, title)
	}
	return blocks
}

// commandsUnder returns the blocks of commands in a section of a document.
func commandsUnder(t *testing.T, page, title string) []string {
	t.Helper()
	return codeUnder(t, page, title, "sh")
}

// decode reads JSON answers that follow one another, one into each value.
func decode(t *testing.T, shown string, into ...any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(shown))
	for i, v := range into {
		if err := d.Decode(v); err != nil {
			t.Fatalf("answer %d of %s: %v", i+1, shown, err)
		}
	}
}

// freeAddress is a loopback address on which no server listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
