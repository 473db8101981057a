package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWalkFirstSteps runs the commands of the first chapter for developers: the first block in one
// shell, the others in another.
func TestWalkFirstSteps(t *testing.T) {
	r := newReader(t)
	out := r.types(t, r.firstSteps(t))["First steps"]

	type item struct {
		Email, State, Event string
		Data                struct{ Reason string }
	}
	type list struct {
		Active *bool
		Data   []item
	}
	var shown []list
	for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
		var l list
		if err := d.Decode(&l); err != nil {
			t.Fatal(err)
		}
		for i := range l.Data {
			// Of the other events only the type is compared here.
			if e := &l.Data[i]; e.Event != "" {
				*e = item{Event: e.Event, Data: e.Data}
			}
		}
		shown = append(shown, l)
	}
	ended := item{Event: "user.access_ended", Data: struct{ Reason string }{"deprovisioned"}}
	inactive := false
	want := []list{
		{Data: []item{{Email: "ada@northwind.example", State: "active"}}},
		{Active: &inactive},
		{Data: []item{ended}},
		{Data: []item{
			{Event: "organization.created"}, {Event: "organization_domain.created"},
			{Event: "organization_domain.verified"},
			{Event: "dsync.token.created"}, {Event: "dsync.activated"}, {Event: "dsync.user.created"},
			{Event: "dsync.user.updated"}, ended,
		}},
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("the answers (-want +got):\n%s", diff)
	}
}

// person has the members of a profile that a walk compares.
type person struct {
	ID, Email string
	Groups    []string
	Role      struct{ Slug string }
}

// TestWalkSignPeopleIn runs the chapter after the first steps, with other ports for the server and
// the identity provider. The chapters after it need what it creates.
func TestWalkSignPeopleIn(t *testing.T) {
	r := newReader(t)
	shown := r.types(t,
		r.firstSteps(t), r.signPeopleIn(t),
		chapter{"the person", []string{`api "/directory_users?directory=$DIRECTORY&order=desc&limit=1"`}},
		r.chapter(t, samlPage, "Replace our signing key"),
		r.chapter(t, applicationPage, "Read events"), r.chapter(t, applicationPage, "Be told of events"),
		r.chapter(t, applicationPage, "Sign people out"),
		r.chapter(t, operatePage, "Domains"), r.chapter(t, operatePage, "Watch a directory"),
		r.chapter(t, operatePage, "Keys and tokens"),
		chapter{"the tokens", []string{"api /directories/$DIRECTORY/tokens"}},
	)
	t.Run("a person signs in, is unassigned, and is refused", func(t *testing.T) {
		signedIn(t, r, shown["Sign people in"])
	})
	t.Run("the answers on the page have the members of real ones", func(t *testing.T) {
		membersAreDocumented(t, shown["Sign people in"], shown["the person"])
	})
	t.Run("our signing key is replaced", func(t *testing.T) {
		if text := shown["Replace our signing key"]; !strings.Contains(text, `"role":"current"`) {
			t.Errorf("no key was promoted: %s", text)
		}
	})
	t.Run("the feed is read on from its first event", func(t *testing.T) {
		var page struct{ Data []struct{ Event string } }
		decode(t, shown["Read events"], &page)
		if len(page.Data) == 0 || page.Data[0].Event != "organization_domain.created" {
			t.Errorf("after the first event there is %+v", page.Data)
		}
	})
	t.Run("an idle time is set", func(t *testing.T) {
		var organization struct {
			Rollcall struct {
				Idle int `json:"session_idle_seconds"`
			}
		}
		var sessions struct{ Object string }
		decode(t, shown["Sign people out"], &organization, &sessions)
		if organization.Rollcall.Idle != 1800 || sessions.Object != "list" {
			t.Errorf("the answers are %+v and %+v", organization, sessions)
		}
	})
	t.Run("a domain is claimed by the application and vouched for by the operator", func(t *testing.T) {
		record, answers, _ := strings.Cut(shown["Domains"], "\n")
		if !strings.HasPrefix(record, "TXT record: _sso-verify.northwind-traders.example with the text ") {
			t.Errorf("the record is %q", record)
		}
		var looked, vouched struct{ State string }
		decode(t, answers, &looked, &vouched)
		if looked.State != "pending" || vouched.State != "verified" {
			t.Errorf("the application's look answers %+v, the operator's word %+v", looked, vouched)
		}
	})
	t.Run("a directory is watched", func(t *testing.T) {
		var requests struct{ Object string }
		var directory struct {
			Rollcall struct {
				Percent int `json:"mass_change_percent"`
			}
		}
		decode(t, shown["Watch a directory"], &requests, &directory)
		if requests.Object != "list" || directory.Rollcall.Percent != 10 {
			t.Errorf("the answers are %+v and %+v", requests, directory)
		}
	})
	t.Run("a SCIM token is replaced", func(t *testing.T) {
		var both, left struct{ Data []struct{ Name string } }
		decode(t, shown["Keys and tokens"], &both)
		decode(t, shown["the tokens"], &left)
		if len(both.Data) != 2 || len(left.Data) != 1 || left.Data[0].Name != "2027" {
			t.Errorf("there were %+v, and there are %+v", both.Data, left.Data)
		}
	})
}

// signedIn compares the output of a sign-in with the page.
func signedIn(t *testing.T, r *reader, text string) {
	ended, answers, _ := strings.Cut(text, "\n")
	if want := "http://" + r.address + "/sso/signed-in"; ended != want {
		t.Errorf("the test login ends at %q, want %s", ended, want)
	}
	var profile person
	var unassigned struct{ Active *bool }
	var refused struct{ Error string }
	var events struct {
		Data []struct {
			Data struct {
				Reason     string
				ProfileIDs []string `json:"profile_ids"`
			}
		}
	}
	// The refused sign-in has no redirect and prints an empty line, which the decoder skips.
	var attempts struct {
		Data []struct{ Status, Reason, Message string }
	}
	decode(t, answers, &profile, &unassigned, &refused, &events, &attempts)
	if profile.Email != "grace.whitefeather@northwind.example" || profile.Role.Slug != "member" {
		t.Errorf("the profile is %+v", profile)
	}
	if !slices.Equal(profile.Groups, []string{"Staff"}) {
		t.Errorf("the groups are %q, want those of the directory", profile.Groups)
	}
	if unassigned.Active == nil || *unassigned.Active || refused.Error == "" {
		t.Errorf("unassigned: %+v, and the profile then: %+v", unassigned, refused)
	}
	if n := len(events.Data); n != 1 || events.Data[0].Data.Reason != "deprovisioned" ||
		!slices.Contains(events.Data[0].Data.ProfileIDs, profile.ID) {
		t.Errorf("the events are %+v, want the one of her profile %s", events, profile.ID)
	}
	if len(attempts.Data) != 1 || attempts.Data[0].Reason != "deactivated" || attempts.Data[0].Message == "" {
		t.Errorf("the login log is %+v", attempts)
	}
}

// membersAreDocumented compares the JSON on the page for developers with answers of the walk.
func membersAreDocumented(t *testing.T, signedIn, people string) {
	_, answers, _ := strings.Cut(signedIn, "\n")
	var profile, user, refused map[string]any
	var events, users struct{ Data []map[string]any }
	decode(t, answers, &profile, &user, &refused, &events)
	decode(t, people, &users)
	if len(events.Data) != 1 || len(users.Data) != 1 {
		t.Fatalf("there are %d events and %d users", len(events.Data), len(users.Data))
	}
	blocks := codeUnder(t, applicationPage, "What your application receives", "json")
	for i, real := range []map[string]any{profile, events.Data[0], users.Data[0], refused} {
		var shown map[string]any
		d := json.NewDecoder(bytes.NewReader([]byte(blocks[i])))
		if err := d.Decode(&shown); err != nil {
			t.Fatalf("block %d is no JSON: %v", i+1, err)
		}
		if diff := cmp.Diff(members(real), members(shown)); diff != "" {
			t.Errorf("block %d (-real +page):\n%s", i+1, diff)
		}
	}
}

// members are the names in an object and in the objects inside it.
func members(object map[string]any) []string {
	var names []string
	for name, value := range object {
		names = append(names, name)
		if inner, ok := value.(map[string]any); ok {
			for _, n := range slices.Collect(maps.Keys(inner)) {
				names = append(names, name+"."+n)
			}
		}
	}
	slices.Sort(names)
	return names
}
