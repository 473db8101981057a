package model

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outcome is what a row of the table below expects. Row is after the change: whether access was
// ended in it, and why the user is inactive.
type outcome struct {
	Events         []EventType
	Ended          EndingReason
	EpochRaised    bool
	InactiveReason InactiveReason
	Recompute      bool
	RemovePassword bool
	VoidLinks      bool
	LastAdmin      lastAdminRule
	Transaction    bool
}

func TestConsequences(t *testing.T) {
	directory := "d"
	owned := User{ID: "u", DirectoryID: &directory, Active: true, Role: Member, Epoch: 1}
	with := func(u User, change func(*User)) *User { change(&u); return &u }
	same := func(*User) {}
	admin := func(u *User) { u.Role = Admin }
	unowned := func(u *User) { u.DirectoryID = nil }
	off := func(reason InactiveReason) func(*User) {
		return func(u *User) { u.Active, u.InactiveReason = false, reason }
	}
	offAdmin := func(u *User) { admin(u); off(Deprovisioned)(u) }
	// A change sets Active alone: the reason follows.
	leaves := func(u *User) { u.Active = false }
	for name, c := range map[string]struct {
		before, after *User
		by            changeSource
		want          outcome
	}{
		"a directory creates": {nil, &owned, byDirectory,
			outcome{Events: []EventType{DirectoryUserCreated}, Recompute: true}},
		"a person creates": {nil, &owned, byPerson, outcome{Events: []EventType{UserCreated}, Recompute: true}},
		"a directory changes the document": {&owned, with(owned, func(u *User) { u.Document = "{}" }), byDirectory,
			outcome{Events: []EventType{DirectoryUserUpdated}}},
		"a directory deactivates": {&owned, with(owned, leaves), byDirectory, outcome{
			Events: []EventType{DirectoryUserUpdated}, Ended: EndedDeprovisioned, EpochRaised: true,
			InactiveReason: Deprovisioned, Recompute: true}},
		"a directory deactivates an administrator": {with(owned, admin),
			with(*with(owned, admin), leaves), byDirectory, outcome{
				Events: []EventType{DirectoryUserUpdated}, Ended: EndedDeprovisioned, EpochRaised: true,
				InactiveReason: Deprovisioned, Recompute: true, VoidLinks: true, LastAdmin: lastAdminFlagged, Transaction: true}},
		"a directory activates": {with(owned, off(Deprovisioned)), &owned, byDirectory,
			outcome{Events: []EventType{DirectoryUserUpdated}, Recompute: true}},
		"a directory changes an inactive user": {with(owned, off(Deprovisioned)), with(owned, off(Deprovisioned)), byDirectory,
			outcome{Events: []EventType{DirectoryUserUpdated}, InactiveReason: Deprovisioned}},
		"a directory adopts": {with(owned, unowned), with(owned, same), byDirectory,
			outcome{Events: []EventType{UserAdopted, DirectoryUserCreated}, Recompute: true}},
		"a directory adopts and deactivates": {with(owned, unowned), with(owned, leaves), byDirectory, outcome{
			Events: []EventType{UserAdopted, DirectoryUserCreated}, Ended: EndedDeprovisioned, EpochRaised: true,
			InactiveReason: Deprovisioned, Recompute: true}},
		"a directory adopts whom the end of another left inactive": {
			with(*with(owned, unowned), off(DirectoryRemoved)), with(owned, off(DirectoryRemoved)), byDirectory, outcome{
				Events: []EventType{UserAdopted, DirectoryUserCreated}, InactiveReason: Deprovisioned, Recompute: true}},
		"a directory is removed": {&owned, with(*with(owned, unowned), leaves), byDirectory, outcome{
			Ended: EndedDirectoryDeleted, EpochRaised: true, InactiveReason: DirectoryRemoved, Recompute: true}},
		"a directory is removed that deactivated": {with(owned, off(Deprovisioned)),
			with(*with(owned, unowned), off(Deprovisioned)), byDirectory,
			outcome{InactiveReason: Deprovisioned}},
		"a directory deletes": {&owned, nil, byDirectory,
			outcome{Events: []EventType{DirectoryUserDeleted}, Ended: EndedDeleted, EpochRaised: true}},
		"a directory deletes an administrator": {with(owned, admin), nil, byDirectory, outcome{
			Events: []EventType{DirectoryUserDeleted}, Ended: EndedDeleted, EpochRaised: true,
			LastAdmin: lastAdminFlagged, Transaction: true}},
		"a directory deletes an inactive administrator": {with(owned, offAdmin), nil, byDirectory, outcome{
			Events: []EventType{DirectoryUserDeleted}, Ended: EndedDeleted, EpochRaised: true, InactiveReason: Deprovisioned}},
		"a person deletes an administrator": {with(owned, admin), nil, byPerson, outcome{
			Events: []EventType{UserDeleted}, Ended: EndedDeleted, EpochRaised: true,
			LastAdmin: lastAdminRefused, Transaction: true}},
		"a person gives the role": {&owned, with(owned, admin), byPerson, outcome{Events: []EventType{UserRoleChanged}}},
		"a person takes the role": {with(owned, admin), &owned, byPerson, outcome{
			Events: []EventType{UserRoleChanged}, Ended: EndedRoleChanged, EpochRaised: true, RemovePassword: true,
			LastAdmin: lastAdminRefused, Transaction: true}},
		"a person takes the role of an inactive administrator": {with(owned, offAdmin),
			with(owned, off(Deprovisioned)), byPerson, outcome{Events: []EventType{UserRoleChanged}, Ended: EndedRoleChanged,
				EpochRaised: true, InactiveReason: Deprovisioned, RemovePassword: true, Transaction: true}},
		"a mapping takes the role": {with(owned, admin), &owned, byMapping, outcome{
			Events: []EventType{UserRoleChanged}, Ended: EndedRoleChanged, EpochRaised: true, RemovePassword: true,
			LastAdmin: lastAdminReported, Transaction: true}},
	} {
		t.Run(name, func(t *testing.T) {
			epoch := int64(1)
			was := consequencesOf(c.before, c.after, c.by)
			got := outcome{was.events, was.ended, was.row.Epoch == epoch+1, was.row.InactiveReason, was.recompute,
				was.removePassword, was.voidPasswordLinks, was.lastAdmin, was.needsTransaction()}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			for what, u := range map[string]*User{"before": c.before, "after": c.after} {
				if u != nil && u.Epoch != epoch {
					t.Errorf("%s was altered", what)
				}
			}
		})
	}
}
