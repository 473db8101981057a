//go:build interop

package scim_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/model/modeltest"
)

// TestInterop runs SCIM clients of other projects against bin/rollcall, over TCP and on both
// databases. make interop builds the program and installs the clients.
func TestInterop(t *testing.T) {
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		p := startProgram(t, db)
		t.Run("scim-sanity finds no failure but the accepted", p.sanity)
		t.Run("scim2-client can do its work", p.client)
		t.Run("scim-sdk-client can do its work", func(t *testing.T) { p.java(t, "scimsdk", 184, false) })
		t.Run("scim2-sdk-client can do its work", func(t *testing.T) { p.java(t, "unboundid", 90, false) })
		t.Run("scim2-sdk-client can do its work in a strict directory",
			func(t *testing.T) { p.java(t, "unboundid", 88, true) })
		t.Run("ConnId's connector can do its work", func(t *testing.T) { p.java(t, "connid", 56, false) })
		t.Run("scim2-cli test finds no error but the accepted", func(t *testing.T) { p.tester(t, false) })
		t.Run("scim2-cli test finds no other error in a strict directory", func(t *testing.T) { p.tester(t, true) })
		p.stop(t)
	})
}

func (p *program) sanity(t *testing.T) {
	_, url, token := p.directory(t, "scim-sanity")
	out, _ := python(t, nil, "scim-sanity", "probe", url, "--token", token, "--strict", "--json-output",
		"--i-accept-side-effects")
	var report struct {
		Results []struct{ Name, Phase, Status, Message string }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	passed := 0
	for _, r := range report.Results {
		switch {
		case r.Status == "pass":
			passed++
		case r.Name == "PATCH /Groups/{id} add member" && r.Message == "Expected 200, got 400":
			// It adds the member "fake-member-id". With 200 the client would assume that this user
			// has access. RFC 7643 §4.2 says that a member's value is the id of a resource, and
			// RFC 7644 §3.12 has 400 invalidValue for a value that cannot be used.
		case r.Status == "skip" && strings.Contains(r.Phase, "Agent"):
			// The resource types of a draft. The server does not list them in /ResourceTypes
			// (RFC 7644 §4).
		default:
			t.Errorf("%s: %s: %s: %s", r.Phase, r.Name, r.Status, r.Message)
		}
	}
	// Three of discovery, 8 of a user, 9 of a group, 4 searches and 3 errors.
	if passed < 27 && !t.Failed() {
		t.Errorf("%d checks passed: the probe ended early\n%s", passed, out)
	}
}

func (p *program) client(t *testing.T) {
	_, url, token := p.directory(t, "scim2-client")
	out, err := python(t, nil, "python", filepath.Join("testdata", "interop", "client.py"), url, token)
	t.Logf("\n%s", out)
	if err != nil {
		t.Error(err)
	}
}

// java runs a program of testdata/java, which prints what it checks: want checks, and no failure.
func (p *program) java(t *testing.T, name string, want int, strict bool) {
	directory, url, token := p.directory(t, name)
	p.strict(t, directory, strict)
	args := []string{"Walk", url, token}
	if strict {
		args = append(args, "strict")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	installed := filepath.Join("..", ".cache", "scim-java", name)
	jvm := []string{"-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp",
		filepath.Join(installed, "classes") + ":" + filepath.Join(installed, "jars", "*")}
	c := exec.CommandContext(ctx, "java", append(jvm, args...)...)
	out, err := c.CombinedOutput()
	t.Logf("\n%s", out)
	if err != nil {
		t.Error(err)
	}
	if last := fmt.Sprintf("\n%d checks passed, 0 failed\n", want); !bytes.Contains(out, []byte(last)) {
		t.Errorf("not %q", strings.TrimSpace(last))
	}
}

func (p *program) strict(t *testing.T, directory string, strict bool) {
	t.Helper()
	p.call(t, http.MethodPatch, "/directories/"+directory, map[string]any{"strict": strict}, http.StatusOK, &struct{}{})
}

// accepted are the errors of scim2-cli test where the server is right. RFC 7643 §4.1.1 lets the
// service provider decide what active means. Here it decides about access, so it is always true or
// false and cannot be removed: a strict directory says so, another changes nothing.
func accepted(strict bool) map[string]bool {
	if strict {
		return map[string]bool{"Failed to remove attribute 'active': " +
			"Operations[0]: active always has a value; replace it with true or false": true}
	}
	return map[string]bool{"PATCH modify() did not remove attribute 'active'": true}
}

func (p *program) tester(t *testing.T, strict bool) {
	directory, url, token := p.directory(t, "scim2-tester")
	p.strict(t, directory, strict)
	accepted := accepted(strict)
	// It ends with status 1 for the accepted errors, too.
	out, err := python(t, []string{"SCIM_CLI_HEADERS=Authorization: Bearer " + token}, "scim2", "--url", url, "test")
	passed, stood, lines := 0, map[string]bool{}, strings.Split(string(out), "\n")
	for i, line := range lines[:len(lines)-1] {
		status, check, _ := strings.Cut(line, " ")
		found := strings.TrimSpace(lines[i+1])
		switch status {
		case "SUCCESS", "COMPLIANT", "ACCEPTABLE":
			passed++
		case "ERROR", "CRITICAL", "DEVIATION":
			if stood[found] = true; !accepted[found] {
				t.Errorf("%s %s: %s", status, check, found)
			}
		}
	}
	for found := range accepted {
		if !stood[found] {
			t.Errorf("it is no longer found that %s", found)
		}
	}
	if t.Logf("%d checks passed", passed); passed < 130 {
		t.Errorf("%d checks passed: the run ended early: %v\n%s", passed, err, out)
	}
}

// python runs a program of the virtual environment of make interop and returns its output.
func python(t *testing.T, environ []string, name string, args ...string) ([]byte, error) {
	t.Helper()
	var out, problems bytes.Buffer
	c := exec.CommandContext(t.Context(), filepath.Join("..", ".cache", "interop", "bin", name), args...)
	c.Env = append(os.Environ(), environ...)
	c.Stdout, c.Stderr = &out, &problems
	err := c.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatalf("%v: make interop installs it", err)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", name, err, problems.Bytes())
	}
	return out.Bytes(), err
}

// program is a running bin/rollcall.
type program struct {
	url, key string
	command  *exec.Cmd
	log      bytes.Buffer
}

func startProgram(t *testing.T, db modeltest.Database) *program {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	p := &program{url: "http://" + address, key: "sk_" + strings.Repeat("interop", 5)}
	p.command = exec.Command(filepath.Join("..", "bin", "rollcall"), "serve")
	p.command.Env = append(os.Environ(), "ROLLCALL_LISTEN="+address, "ROLLCALL_DATABASE_URL="+db.URL,
		"ROLLCALL_API_KEY="+p.key,
		"ROLLCALL_SECRET_KEY="+base64.StdEncoding.EncodeToString(modeltest.Key))
	p.command.Stderr = &p.log
	if err := p.command.Start(); err != nil {
		t.Fatalf("%v: make interop builds it", err)
	}
	t.Cleanup(func() { _ = p.command.Process.Kill() })
	for range 300 {
		answer, err := http.Get(p.url + "/readyz")
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return p
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
	t.Fatalf("the server is not ready after 30 s:\n%s", p.log.Bytes())
	return nil
}

// stop sends SIGTERM to the program. It fails if the exit status is not 0.
func (p *program) stop(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.command.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, p.log.Bytes())
	}
}

// directory creates an organization with a directory. It returns the directory's id, its URL and
// its bearer token.
func (p *program) directory(t *testing.T, name string) (id, url, token string) {
	t.Helper()
	var organization struct{ ID string }
	p.call(t, http.MethodPost, "/organizations", map[string]any{"name": name}, http.StatusCreated, &organization)
	var directory struct {
		ID   string
		SCIM struct {
			BaseURL     string `json:"base_url"`
			BearerToken string `json:"bearer_token"`
		}
	}
	p.call(t, http.MethodPost, "/directories", map[string]any{
		"organization_id": organization.ID, "name": name, "type": "generic scim v2.0",
	}, http.StatusCreated, &directory)
	return directory.ID, directory.SCIM.BaseURL, directory.SCIM.BearerToken
}

func (p *program) call(t *testing.T, method, path string, body any, status int, into any) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.key)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != status {
		t.Fatalf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}
