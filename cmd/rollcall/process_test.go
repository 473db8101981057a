package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rollcall/model/modeltest"
)

// TestMain runs the program instead of the tests when runAsProgram is set, so that tests can start,
// signal and kill real processes.
func TestMain(m *testing.M) {
	if os.Getenv(runAsProgram) != "" {
		_ = os.Unsetenv(runAsProgram)
		main()
	}
	os.Exit(m.Run())
}

const runAsProgram = "RUN_AS_PROGRAM"

const testKey = "sk_test_0123456789abcdef0123456789abcdef"

// process is a running rollcall.
type process struct {
	command *exec.Cmd
	url     string
	done    chan struct{} // closed once it has ended
	mu      sync.Mutex
	log     bytes.Buffer
}

// startServer starts "rollcall serve" on a free port and waits until it listens.
func startServer(t *testing.T, binary string, credential *syscall.Credential, environ ...string) *process {
	t.Helper()
	p := &process{command: exec.Command(binary, "serve"), done: make(chan struct{})}
	p.command.Env = append([]string{runAsProgram + "=1", "ROLLCALL_LISTEN=127.0.0.1:0", "ROLLCALL_API_KEY=" + testKey},
		environ...)
	p.command.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	p.command.Dir = "/"
	out, err := p.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			p.mu.Lock()
			p.log.Write(append(lines.Bytes(), '\n'))
			p.mu.Unlock()
			var line struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
				listening <- line.Address
			}
		}
		_ = p.command.Wait()
	}()
	t.Cleanup(func() {
		_ = p.command.Process.Kill()
		<-p.done
	})
	select {
	case address := <-listening:
		p.url = "http://" + address
	case <-p.done:
		t.Fatalf("the server ended: %s", p.text())
	case <-time.After(20 * time.Second):
		t.Fatalf("the server does not listen: %s", p.text())
	}
	return p
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// waitReady waits until readyz answers with the status.
func (p *process) waitReady(t *testing.T, status int) {
	t.Helper()
	modeltest.Eventually(t, func() bool {
		return request(t, http.MethodGet, p.url+"/readyz", "", "").status == status
	})
}

// answer is an HTTP answer. Its status is 0 if there was none.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

var client = &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
	return http.ErrUseLastResponse
}}

func request(t *testing.T, method, url, token, body string) answer {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(context.Background(), method, url, reader)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(r)
	if err != nil {
		return answer{}
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}
	}
	return answer{response.StatusCode, response.Header, string(b)}
}

// scimDirectory is a SCIM directory of a server under test.
type scimDirectory struct{ url, token, id, organization string }

// newDirectory makes an organization with a directory through the API.
func newDirectory(t *testing.T, url string) scimDirectory {
	t.Helper()
	var organization struct{ ID string }
	a := request(t, http.MethodPost, url+"/organizations", testKey,
		`{"name":"Contoso","domain_data":[{"domain":"contoso.example","state":"verified"}]}`)
	if a.status != http.StatusCreated {
		t.Fatalf("create organization: %d %s", a.status, a.body)
	}
	a.decode(t, &organization)
	var d struct {
		ID   string
		SCIM struct {
			BaseURL     string `json:"base_url"`
			BearerToken string `json:"bearer_token"`
		}
	}
	a = request(t, http.MethodPost, url+"/directories", testKey,
		`{"organization_id":"`+organization.ID+`","name":"Okta","type":"okta scim v2.0"}`)
	if a.status != http.StatusCreated {
		t.Fatalf("create directory: %d %s", a.status, a.body)
	}
	a.decode(t, &d)
	// The base URL has the host of the public URL. A server of a test listens on another port.
	_, path, _ := strings.Cut(d.SCIM.BaseURL, "/scim/")
	return scimDirectory{url + "/scim/" + path, d.SCIM.BearerToken, d.ID, organization.ID}
}

func (d scimDirectory) create(t *testing.T, userName string) answer {
	t.Helper()
	return request(t, http.MethodPost, d.url+"/Users", d.token,
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+userName+`","active":true}`)
}

// total is the number of users in the directory.
func (d scimDirectory) total(t *testing.T) int {
	t.Helper()
	var list struct{ TotalResults int }
	request(t, http.MethodGet, d.url+"/Users?count=1", d.token, "").decode(t, &list)
	return list.TotalResults
}
