//go:build interop

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// crashShared is the group of all writers. Each writer also has a group of its own.
const crashShared = "All"

// crashUser has the attributes of a user that a writer sets.
type crashUser struct {
	Title  string
	Active bool
	Groups string // names of groups, sorted
}

// crashPeople are users by their names.
type crashPeople map[string]crashUser

// change applies a function to a user if there is one of the name.
func (p crashPeople) change(name string, alter func(u *crashUser)) {
	u := p[name]
	alter(&u)
	p[name] = u
}

// join adds a user to a group or removes it.
func (p crashPeople) join(name, group string, in bool) {
	p.change(name, func(u *crashUser) {
		groups := slices.DeleteFunc(strings.Fields(u.Groups), func(g string) bool { return g == group })
		if in {
			groups = append(groups, group)
		}
		slices.Sort(groups)
		u.Groups = strings.Join(groups, " ")
	})
}

// crashWriter writes users that no other writer changes, so that it knows their state.
type crashWriter struct {
	*crash
	number int
	group  string // id of its own
	random *rand.Rand
	serial int

	people crashPeople
	ids    map[string]string // by name
	unsure []crashStep       // the last steps, if they had no answer
}

// crew is the name of the writer's own group.
func (w *crashWriter) crew() string { return fmt.Sprintf("crew-%d", w.number) }

// crashStep is one change that is stored completely or not at all.
type crashStep struct {
	method, path, body string
	creates            string // the name of the user that it makes
	do                 func(p crashPeople)
}

// write writes until something fails.
func (w *crashWriter) write(t *testing.T) {
	for {
		steps := w.next()
		done, sure := w.send(t, steps)
		for _, s := range steps[:done] {
			s.do(w.people)
		}
		w.acknowledged.Add(int64(done))
		if !sure {
			w.unsure = steps[done:]
		}
		if done < len(steps) {
			return
		}
	}
}

// send sends one step as a request, or several steps as a bulk request that ends at the first
// failure. It returns how many steps were acknowledged. If sure is false, later steps may have been
// stored too.
func (w *crashWriter) send(t *testing.T, steps []crashStep) (done int, sure bool) {
	if len(steps) > 1 {
		return w.bulk(t, steps)
	}
	s := steps[0]
	a := request(t, s.method, w.url+s.path, w.token, s.body)
	if !w.acknowledges(t, s, a.status, a.body) {
		return 0, false
	}
	if s.creates != "" {
		var u struct{ ID string }
		a.decode(t, &u)
		w.ids[s.creates] = u.ID
	}
	return 1, true
}

// acknowledges reports whether an answer confirms the step. The only other results it accepts are
// no answer and status 503.
func (w *crashWriter) acknowledges(t *testing.T, s crashStep, status int, body string) bool {
	if status/100 == 2 {
		return true
	}
	if status != 0 && status != http.StatusServiceUnavailable {
		t.Errorf("%s %s %s: %d %s", s.method, s.path, s.body, status, body)
	}
	return false
}

func (w *crashWriter) bulk(t *testing.T, steps []crashStep) (done int, sure bool) {
	var operations []string
	for _, s := range steps {
		data := s.body
		if data == "" {
			data = "{}"
		}
		operations = append(operations,
			fmt.Sprintf(`{"method":%q,"path":%q,"bulkId":%q,"data":%s}`, s.method, s.path, s.creates, data))
	}
	a := request(t, http.MethodPost, w.url+"/Bulk", w.token,
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":1,"Operations":[`+
			strings.Join(operations, ",")+`]}`)
	if !w.acknowledges(t, crashStep{method: "POST", path: "/Bulk"}, a.status, a.body) {
		return 0, false
	}
	var answered struct {
		Operations []struct {
			Status   string
			Location string
			Response json.RawMessage
		}
	}
	a.decode(t, &answered)
	for i, o := range answered.Operations {
		var status int
		_, _ = fmt.Sscan(o.Status, &status)
		if !w.acknowledges(t, steps[i], status, string(o.Response)) {
			if i+1 != len(answered.Operations) {
				t.Errorf("the bulk request went on after a failure: %s", a.body)
			}
			return i, false
		}
		if steps[i].creates != "" {
			w.ids[steps[i].creates] = o.Location[strings.LastIndexByte(o.Location, '/')+1:]
		}
	}
	if len(answered.Operations) != len(steps) {
		t.Errorf("%d operations are answered of %d: %s", len(answered.Operations), len(steps), a.body)
	}
	return len(steps), true
}

// next returns the next steps of the writer: mostly one, sometimes several for one request.
func (w *crashWriter) next() []crashStep {
	names := slices.Sorted(maps.Keys(w.people))
	w.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	switch n := w.random.IntN(10); {
	case len(names) < 4:
		return []crashStep{w.create()}
	case len(names) > 14 || n == 0:
		return []crashStep{w.remove(names[0])}
	case n < 3:
		return []crashStep{w.create()}
	case n < 5:
		return []crashStep{w.alter(names[0])}
	case n < 7:
		return []crashStep{w.join(names[:1+w.random.IntN(3)], crashShared, w.shared)}
	case n < 8:
		return []crashStep{w.join(names[:1+w.random.IntN(3)], w.crew(), w.group)}
	}
	one, other := w.create(), w.create()
	return []crashStep{one, other, w.welcome(one.creates, other.creates), w.alter(names[0]), w.remove(names[1])}
}

func (w *crashWriter) title() string {
	w.serial++
	return fmt.Sprintf("title-%d-%d", w.number, w.serial)
}

func (w *crashWriter) create() crashStep {
	title := w.title()
	name := fmt.Sprintf("w%d-%d@contoso.example", w.number, w.serial)
	return crashStep{http.MethodPost, "/Users",
		fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q,"active":true,"title":%q,
		"emails":[{"value":%[1]q,"type":"work","primary":true}],"name":{"givenName":"Given","familyName":"Family"}}`,
			name, title),
		name, func(p crashPeople) { p[name] = crashUser{title, true, ""} }}
}

// alter sets two attributes in one request. They must never be stored separately.
func (w *crashWriter) alter(name string) crashStep {
	title, active := w.title(), w.random.IntN(3) > 0
	return crashStep{http.MethodPatch, "/Users/" + w.ids[name], fmt.Sprintf(
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title",`+
			`"value":%q},{"op":"replace","path":"active","value":%t}]}`, title, active),
		"", func(p crashPeople) {
			p.change(name, func(u *crashUser) { u.Title, u.Active = title, active })
		}}
}

func (w *crashWriter) remove(name string) crashStep {
	return crashStep{http.MethodDelete, "/Users/" + w.ids[name], "", "", func(p crashPeople) { delete(p, name) }}
}

// join removes the users who are members of a group and adds the others, in one request.
func (w *crashWriter) join(names []string, group, id string) crashStep {
	var operations []string
	in := map[string]bool{}
	for _, name := range names {
		if in[name] = !slices.Contains(strings.Fields(w.people[name].Groups), group); in[name] {
			operations = append(operations, `{"op":"add","path":"members","value":[{"value":"`+w.ids[name]+`"}]}`)
		} else {
			operations = append(operations, `{"op":"remove","path":"members[value eq \"`+w.ids[name]+`\"]"}`)
		}
	}
	return crashStep{http.MethodPatch, "/Groups/" + id,
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + strings.Join(operations, ",") +
			`]}`, "",
		func(p crashPeople) {
			for name, is := range in {
				p.join(name, group, is)
			}
		}}
}

// welcome adds the users that the same bulk request creates to the writer's group.
func (w *crashWriter) welcome(names ...string) crashStep {
	var members []string
	for _, name := range names {
		members = append(members, `{"value":"bulkId:`+name+`"}`)
	}
	return crashStep{http.MethodPatch, "/Groups/" + w.group,
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[
		{"op":"add","path":"members","value":[` + strings.Join(members, ",") + `]}]}`, "",
		func(p crashPeople) {
			for _, name := range names {
				p.join(name, w.crew(), true)
			}
		}}
}
