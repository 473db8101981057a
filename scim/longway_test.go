package scim_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// PostgreSQL is sent the commonest writes as one statement each, which looks at what the write
// depends on. SQLite has none of that: the same requests must be answered the same, leave the same
// behind, and be told of by the same events.
func TestOneStatementDoesWhatATransactionDoes(t *testing.T) {
	t.Parallel()
	const histories, requests = 6, 90
	for seed := range uint64(histories) {
		t.Run(fmt.Sprint("history ", seed), func(t *testing.T) {
			var counter modeltest.Statements
			short := newTeller(t, modeltest.Postgres(t), counter.Options())
			long := newTeller(t, modeltest.SQLite(t), model.Options{})
			statements := counter.During(func() { short.live(rand.New(rand.NewPCG(seed, 1)), requests) })
			long.live(rand.New(rand.NewPCG(seed, 1)), requests)
			if diff := cmp.Diff(long.told, short.told); diff != "" {
				t.Errorf("a transaction is -, a statement +:\n%s", diff)
			}
			atOnce := 0
			for _, s := range statements {
				if strings.HasPrefix(s, "WITH ") {
					atOnce++
				}
			}
			if atOnce < requests/6 {
				t.Errorf("%d of %d requests were one statement", atOnce, requests)
			}
		})
	}
}

// teller is a client that notes what it sees, with each id as the number of when it was first seen.
type teller struct {
	*client
	other  *client // the organization's other directory
	clock  *modeltest.Clock
	random *rand.Rand
	users  []string
	groups []string
	seen   map[string]string
	events int
	told   []string
}

func newTeller(t *testing.T, db modeltest.Database, o model.Options) *teller {
	clock := modeltest.NewClock()
	o.Now = clock.Now
	d := deploy(t, modeltest.Open(t, db, o))
	id := d.organization("Northwind", "northwind.example")
	return &teller{client: d.client(id), other: d.client(id), clock: clock, seen: map[string]string{}}
}

// told are the events of users and groups: those of the directories have secrets of theirs.
var told = regexp.MustCompile(`^(dsync\.user|dsync\.group|user)\.|^organization\.without_admin$`)

// byChance are a domain's token, and the part of a user's ETag that is made of the ids of groups.
var byChance = regexp.MustCompile(`"verification_token":"[A-Z0-9]+"|(W/\\?"\d+-)[0-9a-z]+`)

var anyID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[a-z_]+_[0-9A-HJKMNP-TV-Z]{26}\b`)

// note tells of something, with ids replaced.
func (l *teller) note(text string) {
	l.told = append(l.told, anyID.ReplaceAllStringFunc(byChance.ReplaceAllString(text, "$1"), func(id string) string {
		kind := ""
		if i := strings.LastIndexByte(id, '_'); i >= 0 {
			kind = id[:i]
		}
		if l.seen[id] == "" {
			l.seen[id] = fmt.Sprintf("<%s %d>", kind, len(l.seen))
		}
		return l.seen[id]
	}))
}

// live sends requests, and tells of the answers, the events and what is there at the end.
func (l *teller) live(random *rand.Rand, requests int) {
	l.random = random
	for range requests {
		l.clock.Advance(time.Duration(random.IntN(3)) * time.Second)
		l.request()
		events, _, err := l.store.Events(l.t.Context(), model.Everywhere(),
			model.EventQuery{OrganizationID: l.org.ID, Page: model.Page{Ascending: true, Limit: 10_000}})
		if err != nil {
			l.t.Fatal(err)
		}
		for _, e := range events[l.events:] {
			if !told.MatchString(string(e.Type)) {
				continue
			}
			l.note(fmt.Sprintln("  ", e.Type, e.Actor, e.Subject, e.CreatedAt, e.Data))
		}
		l.events = len(events)
	}
	for _, path := range []string{"/Users?count=200&sortBy=userName", "/Groups?count=200&sortBy=displayName"} {
		l.note(l.do("GET", path, "").text)
		l.note(l.other.do("GET", path, "").text)
	}
	for _, filter := range []string{`emails.value co "north"`, `emails[type eq "home"]`, `phoneNumbers.value eq "1"`, `active eq false`, `name.familyName eq "É"`} {
		l.note(filter + ": " + l.do("GET", filtered("/Users", filter)+"&sortBy=userName", "").text)
	}
	us, _, err := l.org.Users(l.t.Context(), model.UserQuery{Page: model.Page{Limit: 1000, Ascending: true}})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, u := range us {
		directory := "nobody"
		if u.DirectoryID != nil {
			directory = *u.DirectoryID
		}
		l.note(fmt.Sprint("user ", u.ID, " ", directory, u.UserNameFolded, u.ExternalID, u.DisplayNameFolded, u.EmailFolded, u.EmailDomain,
			u.Active, u.InactiveReason, u.Role, u.Epoch, u.AdoptionConfirmed, u.ProfileIDs, u.Version, u.CreatedAt, u.UpdatedAt, u.Document))
	}
	stones, _, err := l.org.Tombstones(l.t.Context(), model.Page{Limit: 1000, Ascending: true})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, s := range stones {
		l.note(fmt.Sprint("tombstone of ", s.UserID))
	}
}

func (l *teller) pick(texts ...string) string { return texts[l.random.IntN(len(texts))] }

// one is an id of the list, or sometimes none that there is.
func (l *teller) one(ids []string) string {
	if len(ids) == 0 || l.random.IntN(25) == 0 {
		return l.pick("00000000-0000-7000-8000-000000000000", "nobody", "%00")
	}
	return ids[l.random.IntN(len(ids))]
}

// document is one of a person. There are few names and addresses, so that they meet.
func (l *teller) document() string {
	name := fmt.Sprint(l.pick("ada", "ADA", "ben", "eve", "Ünal", "straße", "max"), l.random.IntN(4))
	mail := l.pick(fmt.Sprint("p", l.random.IntN(6), "@northwind.example"), fmt.Sprint("q", l.random.IntN(3), "@elsewhere.example"), "", "no address")
	return fmt.Sprintf(`{"userName":%q,"externalId":%q%s,"emails":[{"value":%q,"type":%q,"primary":%v},{"value":%q,"type":"home"}],"name":{"familyName":%q}%s}`,
		name, l.pick("", "x1", "x2"), l.pick("", `,"active":false`, `,"active":"True"`), mail, l.pick("work", "home"), l.random.IntN(2) == 0,
		"home@northwind.example", l.pick("É", "e\u0301", "<&>\u2028", ""), l.pick("", "", `,"title":"a\u0000b"`, `,"phoneNumbers":[{"value":"1","type":"mobile"}]`, `,"title":"`+"\xff"+`"`))
}

// change is a PATCH of a user.
func (l *teller) change() string {
	return patchOf("[" + l.pick(
		`{"op":"replace","path":"active","value":false}`, `{"op":"replace","path":"active","value":true}`, `{"op":"Replace","value":{"active":"False"}}`,
		`{"op":"replace","path":"active","value":false}`, `{"op":"remove","path":"active"}`,
		fmt.Sprintf(`{"op":"replace","path":"userName","value":"ben%d"}`, l.random.IntN(4)),
		fmt.Sprintf(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"p%d@northwind.example"}`, l.random.IntN(6)),
		`{"op":"remove","path":"emails"}`, `{"op":"remove","path":"userName"}`, `{"op":"add","path":"title","value":"Chief"}`,
		`{"op":"add","path":"emails","value":[{"value":"third@northwind.example","type":"other"}]}`,
		`{"op":"add","path":"title","value":"a\u0000b"}`, `{"op":"replace","path":"roles","value":[{"value":"admin"}]}`,
	) + "]")
}

// request sends one request of many kinds, and tells of it and its answer.
func (l *teller) request() {
	c, method, path, body := l.client, "", "", ""
	var headers []string
	if l.random.IntN(6) == 0 {
		headers = []string{"If-Match", l.pick(`W/"1"`, `W/"2"`, "*")}
	}
	member := func() string {
		return fmt.Sprintf(`[{"value":%q}]`, l.one(append(l.groups[:len(l.groups):len(l.groups)], l.users...)))
	}
	switch n := l.random.IntN(22); {
	case n < 5:
		method, path, body, headers = "POST", "/Users", l.document(), nil
	case n < 10:
		method, path, body = "PATCH", "/Users/"+l.one(l.users), l.change()
	case n < 11:
		method, path, body = "PUT", "/Users/"+l.one(l.users), l.document()
	case n < 15:
		method, path, body = "PATCH", "/Groups/"+l.one(l.groups), patchOf(`[{"op":"add","path":"members","value":`+member()+`}]`)
	case n < 16:
		method, path, body = "PATCH", "/Groups/"+l.one(l.groups), patchOf(`[{"op":"add","path":"members","value":`+member()+`},{"op":"replace","path":"displayName","value":"G1"}]`)
	case n < 17:
		method, path, body = "PATCH", "/Groups/"+l.one(l.groups), patchOf(`[{"op":"replace","path":"members","value":`+member()+`}]`)
	case n < 18:
		method, path, body, headers = "POST", "/Groups", fmt.Sprintf(`{"displayName":"G%d","members":%s}`, l.random.IntN(4), l.pick("[]", member())), nil
	case n < 19:
		method, path = "DELETE", l.pick("/Users/"+l.one(l.users), "/Groups/"+l.one(l.groups))
	case n < 20:
		c, method, path, body, headers = l.other, "POST", "/Users", l.document(), nil
	default:
		l.operator()
		return
	}
	a := c.do(method, path, body, headers...)
	l.note(fmt.Sprintln(method, path, body, headers, "=", a.status, a.header.Get("ETag"), a.text))
	if id, ok := a.body["id"].(string); ok && a.status == 201 {
		if strings.HasPrefix(path, "/Users") {
			l.users = append(l.users, id)
		} else {
			l.groups = append(l.groups, id)
		}
	}
}

// operator does what no directory does: its people and roles are in the way of the directory's.
func (l *teller) operator() {
	ctx, id := l.t.Context(), l.one(l.users)
	var err error
	what := l.pick("create", "admin", "admin", "member", "revoke", "confirm")
	switch what {
	case "create":
		var u *model.User
		u, err = l.org.CreateUser(ctx, map[string]any{"userName": fmt.Sprint(l.pick("ada", "ben", "own"), l.random.IntN(4)),
			"emails": []any{map[string]any{"value": fmt.Sprint("p", l.random.IntN(6), "@northwind.example")}}})
		if err == nil {
			l.users = append(l.users, u.ID)
		}
	case "admin":
		_, err = l.org.SetRole(ctx, id, model.Admin)
	case "member":
		_, err = l.org.SetRole(ctx, id, model.Member)
	case "revoke":
		_, err = l.org.RevokeSessions(ctx, id)
	case "confirm":
		_, err = l.org.ConfirmAdoption(ctx, id)
	}
	l.note(fmt.Sprintln("operator:", what, id, model.KindOf(err)))
}
