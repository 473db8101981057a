package main

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// page is how many users a page of a list has.
const page = 100

// workload is one kind of request.
type workload struct {
	name string
	goal float64 // the CPU time as a multiple of the floor's, at most
	// next prepares the workload for a target and n connections. The function that it returns makes
	// the next request of a connection.
	next func(t *target, n int) func(connection int) call
	size int // of the group that it needs; 0 for none
}

// workloads returns all workloads in the order of the report.
func workloads() []workload {
	list := []workload{
		{name: "create user", goal: 2.5, next: createUser},
		{name: "userName eq", goal: 2.5, next: findUser},
		{name: "PATCH active", goal: 3, next: patchActive},
	}
	for _, size := range []int{10, 1_000, 10_000, 100_000} {
		name := fmt.Sprintf("add to a group of %d", size)
		list = append(list, workload{name: name, goal: 3, size: size, next: addMember(size)})
	}
	return append(list,
		workload{name: "list 100, first page", goal: 1.5, next: func(t *target, _ int) func(int) call {
			return t.get("/Users?startIndex=1&count=100")
		}},
		workload{name: "list 100, last page", goal: 1.5, next: func(t *target, _ int) func(int) call {
			return t.get(fmt.Sprintf("/Users?startIndex=%d&count=100", len(t.users)-page+1))
		}},
		workload{name: "list 100, last by cursor", goal: 1.5, next: func(t *target, _ int) func(int) call {
			return t.get("/Users?count=100&cursor=" + url.QueryEscape(t.cursor))
		}},
		workload{name: "GET a group of 10000", goal: 1.5, size: 10_000, next: getGroup("")},
		workload{
			name: "the same without members", goal: 3, size: 10_000,
			next: getGroup("?excludedAttributes=members"),
		},
	)
}

// get always makes the same request.
func (t *target) get(path string) func(int) call {
	c := call{"GET", t.base + path, nil, 200}
	return func(int) call { return c }
}

// createUser creates a new user each time.
func createUser(t *target, _ int) func(int) call {
	return func(int) call {
		return call{"POST", t.base + "/Users", person(fmt.Sprintf("new-%d", t.created.Add(1))), 201}
	}
}

// findUser searches for users of the second half of the list. They are in few groups, because the
// floor's responses have no groups.
func findUser(t *target, n int) func(int) call {
	at := make([]int, n)
	return func(c int) call {
		at[c]++
		half := len(t.users) / 2
		i := half + (at[c]*7919+c*104729)%half
		filter := url.QueryEscape(fmt.Sprintf(`userName eq "%s@contoso.example"`, name(i+1)))
		return call{"GET", t.base + "/Users?filter=" + filter, nil, 200}
	}
}

// usersOfAConnection is how many users a connection deactivates and activates in turn.
const usersOfAConnection = 40

// patchActive sets active of users at the end of the list, which are in few groups too.
func patchActive(t *target, n int) func(int) call {
	if t.passes == nil {
		t.passes = map[int][]int{}
	}
	if t.passes[n] == nil {
		t.passes[n] = make([]int, n)
	}
	passes := t.passes[n]
	bodies := [][]byte{patchOf("replace", "active", false), patchOf("replace", "active", true)}
	return func(c int) call {
		turn := passes[c]
		passes[c]++
		// Each number of connections has users of its own, so that each request changes a value.
		i := len(t.users) - 1 - (n-1+c)*usersOfAConnection - turn%usersOfAConnection
		return call{"PATCH", t.base + "/Users/" + t.users[i], bodies[turn/usersOfAConnection%2], 200}
	}
}

// addMember adds a new member to a group of a size each time.
func addMember(size int) func(*target, int) func(int) call {
	return func(t *target, _ int) func(int) call {
		return func(c int) call {
			id := t.groups[size][c%groupsOfASize]
			i := withoutGroup + size + int(t.added[id].Add(1)) - 1
			body := patchOf("add", "members", []map[string]string{{"value": t.users[i%len(t.users)]}})
			return call{"PATCH", t.base + "/Groups/" + id, body, 204}
		}
	}
}

// getGroup reads a group of 10,000 members.
func getGroup(query string) func(*target, int) func(int) call {
	return func(t *target, _ int) func(int) call {
		return t.get("/Groups/" + t.groups[10_000][groupsOfASize] + query)
	}
}

// patchOf returns the body of a PATCH with one operation.
func patchOf(op, path string, value any) []byte {
	text, _ := json.Marshal(map[string]any{ // encoding strings and booleans cannot fail
		"schemas":    []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
		"Operations": []any{map[string]any{"op": op, "path": path, "value": value}},
	})
	return text
}
