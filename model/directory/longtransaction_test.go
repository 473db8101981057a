package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
)

// A change that waited for locks looks for its token again before it commits: the token may have
// ended meanwhile. One that took no time does without, as that is a statement more.
func TestLongChangeLooksForItsTokenAgain(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		options, clock := counter.Options(), modeltest.NewClock()
		options.Now = clock.Now
		s := modeltest.Open(t, db, options)
		org, _ := storetest.Contoso(t, s)
		change := func(took, lifetime time.Duration) (statements int, err error) {
			d := storetest.Directory(t, org)
			g := storetest.CreateGroup(t, org, d, "Staff")
			until := model.TimeOf(clock.Now().Add(lifetime))
			_, bearer := newToken(t, org, d, &until)
			opened, err := directory.Across(s).Authenticate(t.Context(), bearer)
			storetest.Must(t, err)
			list := counter.During(func() {
				_, err = opened.Contents(s.Org(org.ID, d.Actor())).UpdateGroup(t.Context(), g.ID,
					func(g *directory.GroupDraft) error {
						clock.Advance(took)
						return g.SetDocument(map[string]any{"displayName": "Crew"})
					})
			})
			return len(list), err
		}
		short, err := change(0, time.Hour)
		storetest.Must(t, err)
		for took, more := range map[time.Duration]int{249 * time.Millisecond: 0, 250 * time.Millisecond: 1} {
			n, err := change(took, time.Hour)
			storetest.Must(t, err)
			if n != short+more {
				t.Errorf("a change of %s has %d statements, and one of no time %d", took, n, short)
			}
		}
		_, err = change(time.Second, time.Second+time.Millisecond)
		storetest.Must(t, err)
		_, err = change(time.Second, time.Second)
		storetest.WantKind(t, err, model.Denied)
	})
}

// What is a secret is told by how it begins: whoever looks for leaked ones knows whom to tell, and
// an administrator does not take the one for the other.
func TestSecretsTellWhatTheyAre(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s, _ := clocked(t, db)
		org, _ := storetest.Contoso(t, s)
		c := directory.Of(org, storetest.Directory(t, org).ID)
		first, bearer, err := c.CreateToken(t.Context(), "token", nil)
		storetest.Must(t, err)
		storetest.Must(t, c.RevokeToken(t.Context(), first.ID))
		_, secret, err := c.CreateClient(t.Context(), "client", nil)
		storetest.Must(t, err)
		if bearer[:6] != "rc_dt_" || secret[:6] != "rc_ds_" {
			t.Error(bearer[:6], secret[:6])
		}
	})
}

// A reader of a user's groups is spared where the user is known to have none, and only there.
func TestUserOfNoGroupIsKnownToHaveNone(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s, _ := clocked(t, db)
		org, d := storetest.Contoso(t, s)
		ada := storetest.CreateUser(t, org, d, "ada@contoso.example")
		grace := storetest.CreateUser(t, org, d, "grace@contoso.example")
		storetest.CreateGroup(t, org, d, "Staff", grace)
		for id, none := range map[string]bool{ada.ID: true, grace.ID: false} {
			u, err := directory.Of(org, d.ID).User(t.Context(), id)
			storetest.Must(t, err)
			if known := u.Groups != nil; known != none || len(u.Groups) > 0 {
				t.Errorf("%s: %v", u.UserName, u.Groups)
			}
		}
	})
}

// An event of a new member has all attributes of the user. A change of many members writes events
// as they grow large, and does not keep all of them in memory until its end.
func TestEventsOfManyMembersAreWrittenOnTheWay(t *testing.T) {
	t.Parallel()
	var counter modeltest.Statements
	s := modeltest.Open(t, modeltest.SQLite(t), counter.Options())
	org, d := storetest.Contoso(t, s)
	var ids []string
	for i := range 100 { // five million bytes together
		document := storetest.Person(fmt.Sprint("user-", i))
		document["urn:example:notes"] = map[string]any{"text": strings.Repeat("x", 50_000)}
		u, err := directory.Of(org, d.ID).CreateUser(t.Context(), document)
		storetest.Must(t, err)
		ids = append(ids, u.ID)
	}
	g := storetest.CreateGroup(t, org, d, "Staff")
	list := counter.During(func() {
		storetest.Change(t, org, g, directory.MembersChange{Op: directory.AddMembers, UserIDs: ids})
	})
	first := func(table string) int {
		return slices.IndexFunc(list, func(q string) bool {
			return strings.HasPrefix(strings.NewReplacer("`", "", `"`, "").Replace(q), "INSERT INTO "+table+" ")
		})
	}
	if events := first("events"); events < 0 || events > first("directory_group_members") {
		t.Error("no events are written before the members")
	}
}
