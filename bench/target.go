package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"rollcall/model/modeltest"
)

// target is a server to measure, with the content of its database.
type target struct {
	name     string
	url      string // of its database
	address  string // where it listens, as host:port
	base     string // the path of the directory
	token    string // the directory's bearer token
	command  *exec.Cmd
	database *modeltest.Server // nil if the database is in the server's own process

	users   []string                 // ids, in the order of creation
	groups  map[int][]string         // ids by the number of members; the last one of a size stays as it is
	cursor  string                   // of the last full page
	created atomic.Int64             // users that the workload has created
	added   map[string]*atomic.Int64 // members that the workload has added, by group
	passes  map[int][]int            // PATCH requests of each connection, by the number of connections
}

// used returns the CPU time of the server and of its database so far.
func (t *target) used() (server, database time.Duration, err error) {
	if server, err = cpu(t.command.Process.Pid); err != nil || t.database == nil {
		return server, 0, err
	}
	database, err = cpu(t.database.PID())
	return server, database, err
}

// start starts a program that listens on address, a free port, and waits until it answers path with
// status 200. It returns the time that this took.
func (t *target) start(path, log string, command func(address string) *exec.Cmd) (time.Duration, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	t.address = l.Addr().String()
	_ = l.Close()
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	t.command = command(t.address)
	t.command.Stdout, t.command.Stderr = file, file
	began := time.Now()
	if err := t.command.Start(); err != nil {
		return 0, err
	}
	for time.Since(began) < 30*time.Second {
		if c, err := dial(t.address, ""); err == nil {
			err = c.send(call{"GET", path, nil, 200}, nil)
			_ = c.Close()
			if err == nil {
				return time.Since(began), nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	_ = t.stop()
	return 0, fmt.Errorf("%s does not answer: see %s", t.name, log)
}

// stop ends the process and waits for its end.
func (t *target) stop() error {
	if t.command == nil {
		return nil
	}
	_ = t.command.Process.Signal(syscall.SIGTERM)
	err := t.command.Wait()
	t.command = nil
	return err
}

// floorCommand returns the command that runs this program as the floor.
func floorCommand(self, url string) func(address string) *exec.Cmd {
	return func(address string) *exec.Cmd { return exec.Command(self, "floor", address, url) }
}

// operator is the API key of the measured servers.
const operator = "sk_of_the_load_generator_and_nobody_else"

// startRollcall starts the program as an operator would, apart from the rate limit.
func (t *target) startRollcall(binary, folder, url string) (time.Duration, error) {
	return t.start("/readyz", filepath.Join(folder, "log"), func(address string) *exec.Cmd {
		c := exec.Command(binary, "serve")
		c.Dir = folder
		c.Env = []string{
			"ROLLCALL_LISTEN=" + address, "ROLLCALL_DATABASE_URL=" + url, "ROLLCALL_API_KEY=" + operator,
			"ROLLCALL_SCIM_RATE=0",
			"ROLLCALL_SECRET_KEY=" + base64.StdEncoding.EncodeToString(modeltest.Key),
		}
		return c
	})
}

// newDirectory creates an organization with a directory. From then on, requests go to this
// directory.
func (t *target) newDirectory() error {
	c, err := dial(t.address, operator)
	if err != nil {
		return err
	}
	defer c.Close()
	var organization struct{ ID string }
	err = c.send(call{"POST", "/organizations", []byte(`{"name":"Contoso"}`), 201},
		func(b []byte) error { return json.Unmarshal(b, &organization) })
	if err != nil {
		return err
	}
	var directory struct {
		SCIM struct {
			BaseURL     string `json:"base_url"`
			BearerToken string `json:"bearer_token"`
		}
	}
	body := fmt.Appendf(nil, `{"organization_id":%q,"name":"Contoso people","type":"generic scim v2.0"}`,
		organization.ID)
	err = c.send(call{"POST", "/directories", body, 201},
		func(b []byte) error { return json.Unmarshal(b, &directory) })
	if err != nil {
		return err
	}
	t.token = directory.SCIM.BearerToken
	_, path, found := strings.Cut(directory.SCIM.BaseURL, t.address)
	if !found || t.token == "" {
		return fmt.Errorf("the directory has the base URL %q", directory.SCIM.BaseURL)
	}
	t.base = path
	return nil
}
