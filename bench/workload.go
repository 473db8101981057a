package main

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// page is how many users a list has.
const page = 100

// workload is one kind of request. It begins with what next returns for a target, which makes the
// next request of one of n connections.
type workload struct {
	name string
	goal float64 // CPU over the floor's
	next func(t *target, n int) func(connection int) call
	size int // of the group that it needs; 0 for none
}

func workloads() []workload {
	list := []workload{
		{name: "create user", goal: 2.5, next: createUser},
		{name: "userName eq", goal: 2.5, next: findUser},
		{name: "PATCH active", goal: 3, next: patchActive},
	}
	for _, size := range []int{10, 1_000, 10_000, 100_000} {
		list = append(list, workload{name: fmt.Sprintf("add to a group of %d", size), goal: 3, size: size, next: addMember(size)})
	}
	return append(list,
		workload{name: "list 100, first page", goal: 1.5, next: func(t *target, _ int) func(int) call { return t.get("/Users?startIndex=1&count=100") }},
		workload{name: "list 100, last page", goal: 1.5, next: func(t *target, _ int) func(int) call {
			return t.get(fmt.Sprintf("/Users?startIndex=%d&count=100", len(t.users)-page+1))
		}},
		workload{name: "list 100, last by cursor", goal: 1.5, next: func(t *target, _ int) func(int) call {
			return t.get("/Users?count=100&cursor=" + url.QueryEscape(t.cursor))
		}},
		workload{name: "GET a group of 10000", goal: 1.5, size: 10_000, next: getGroup("")},
		workload{name: "the same without members", goal: 3, size: 10_000, next: getGroup("?excludedAttributes=members")},
	)
}

// get is the same request again and again.
func (t *target) get(path string) func(int) call {
	c := call{"GET", t.base + path, nil, 200}
	return func(int) call { return c }
}

func createUser(t *target, _ int) func(int) call {
	return func(int) call {
		return call{"POST", t.base + "/Users", person(fmt.Sprintf("new-%d", t.made.Add(1))), 201}
	}
}

// Who is looked for and who is changed is of the second half, which is in few groups: the floor
// does not show any.

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

// usersOfAConnection are whom a connection activates and deactivates in turn.
const usersOfAConnection = 40

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
		// Those of n connections are nobody's of fewer: each request changes something.
		i := len(t.users) - 1 - (n-1+c)*usersOfAConnection - turn%usersOfAConnection
		return call{"PATCH", t.base + "/Users/" + t.users[i], bodies[turn/usersOfAConnection%2], 200}
	}
}

func addMember(size int) func(*target, int) func(int) call {
	return func(t *target, _ int) func(int) call {
		return func(c int) call {
			id := t.groups[size][c%groupsOfASize]
			who := spared + size + int(t.added[id].Add(1)) - 1
			body := patchOf("add", "members", []map[string]string{{"value": t.users[who%len(t.users)]}})
			return call{"PATCH", t.base + "/Groups/" + id, body, 204}
		}
	}
}

func getGroup(query string) func(*target, int) func(int) call {
	return func(t *target, _ int) func(int) call {
		return t.get("/Groups/" + t.groups[10_000][groupsOfASize] + query)
	}
}

func patchOf(op, path string, value any) []byte {
	text, _ := json.Marshal(map[string]any{ // strings and booleans never fail
		"schemas":    []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
		"Operations": []any{map[string]any{"op": op, "path": path, "value": value}},
	})
	return text
}
