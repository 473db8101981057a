package people

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
)

// outcome is what a row of the table below expects. Row is after the change: whether access was
// ended in it, and why the user is inactive.
type outcome struct {
	Events         []model.EventType
	Ended          EndingReason
	EpochRaised    bool
	InactiveReason InactiveReason
	Recompute      bool
	RemovePassword passwordCause
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
		"a directory creates": {nil, &owned, ByDirectory,
			outcome{Events: []model.EventType{DirectoryUserCreated}, Recompute: true}},
		"a person creates": {nil, &owned, ByPerson, outcome{Events: []model.EventType{UserCreated}, Recompute: true}},
		"a directory changes the document": {&owned, with(owned, func(u *User) { u.Document = "{}" }), ByDirectory,
			outcome{Events: []model.EventType{DirectoryUserUpdated}}},
		"a directory deactivates": {&owned, with(owned, leaves), ByDirectory, outcome{
			Events: []model.EventType{DirectoryUserUpdated}, Ended: EndedDeprovisioned, EpochRaised: true,
			InactiveReason: Deprovisioned, Recompute: true}},
		"a directory deactivates an administrator": {with(owned, admin),
			with(*with(owned, admin), leaves), ByDirectory, outcome{
				Events: []model.EventType{DirectoryUserUpdated}, Ended: EndedDeprovisioned, EpochRaised: true,
				InactiveReason: Deprovisioned, Recompute: true, RemovePassword: deactivated,
				LastAdmin:   lastAdminFlagged,
				Transaction: true}},
		"a directory activates": {with(owned, off(Deprovisioned)), &owned, ByDirectory,
			outcome{Events: []model.EventType{DirectoryUserUpdated}, Recompute: true}},
		"a directory changes an inactive user": {with(owned, off(Deprovisioned)), with(owned, off(Deprovisioned)),
			ByDirectory, outcome{Events: []model.EventType{DirectoryUserUpdated}, InactiveReason: Deprovisioned}},
		"a directory adopts": {with(owned, unowned), with(owned, same), ByDirectory,
			outcome{Events: []model.EventType{UserAdopted, DirectoryUserCreated}, Recompute: true}},
		"a directory adopts and deactivates": {with(owned, unowned), with(owned, leaves), ByDirectory, outcome{
			Events: []model.EventType{UserAdopted, DirectoryUserCreated}, Ended: EndedDeprovisioned, EpochRaised: true,
			InactiveReason: Deprovisioned, Recompute: true}},
		"a directory adopts a user that the end of another left inactive": {
			with(*with(owned, unowned), off(DirectoryRemoved)), with(owned, off(DirectoryRemoved)), ByDirectory,
			outcome{
				Events: []model.EventType{UserAdopted, DirectoryUserCreated}, InactiveReason: Deprovisioned,
				Recompute: true}},
		"a directory is removed": {&owned, with(*with(owned, unowned), leaves), ByDirectory, outcome{
			Ended: EndedDirectoryDeleted, EpochRaised: true, InactiveReason: DirectoryRemoved, Recompute: true}},
		"a directory is removed that deactivated": {with(owned, off(Deprovisioned)),
			with(*with(owned, unowned), off(Deprovisioned)), ByDirectory,
			outcome{InactiveReason: Deprovisioned}},
		"a directory deletes": {&owned, nil, ByDirectory,
			outcome{Events: []model.EventType{DirectoryUserDeleted}, Ended: EndedDeleted, EpochRaised: true}},
		"a directory deletes an administrator": {with(owned, admin), nil, ByDirectory, outcome{
			Events: []model.EventType{DirectoryUserDeleted}, Ended: EndedDeleted, EpochRaised: true,
			LastAdmin: lastAdminFlagged, Transaction: true}},
		"a directory deletes an inactive administrator": {with(owned, offAdmin), nil, ByDirectory, outcome{
			Events: []model.EventType{DirectoryUserDeleted}, Ended: EndedDeleted, EpochRaised: true,
			InactiveReason: Deprovisioned}},
		"a person deletes an administrator": {with(owned, admin), nil, ByPerson, outcome{
			Events: []model.EventType{UserDeleted}, Ended: EndedDeleted, EpochRaised: true,
			LastAdmin: lastAdminRefused, Transaction: true}},
		"a person gives the role": {&owned, with(owned, admin), ByPerson,
			outcome{Events: []model.EventType{UserRoleChanged}}},
		"a person takes the role": {with(owned, admin), &owned, ByPerson, outcome{
			Events: []model.EventType{UserRoleChanged}, Ended: EndedRoleChanged, EpochRaised: true,
			RemovePassword: noAdminAnymore, LastAdmin: lastAdminRefused, Transaction: true}},
		"a person takes the role of an inactive administrator": {with(owned, offAdmin),
			with(owned, off(Deprovisioned)), ByPerson, outcome{
				Events: []model.EventType{UserRoleChanged}, Ended: EndedRoleChanged, EpochRaised: true,
				InactiveReason: Deprovisioned, RemovePassword: noAdminAnymore, Transaction: true}},
		"a mapping takes the role": {with(owned, admin), &owned, ByMapping, outcome{
			Events: []model.EventType{UserRoleChanged}, Ended: EndedRoleChanged, EpochRaised: true,
			RemovePassword: noAdminAnymore, LastAdmin: lastAdminReported, Transaction: true}},
		"a login brings back": {with(*with(owned, unowned), off(DirectoryRemoved)), with(owned, unowned), byLogin,
			outcome{Events: []model.EventType{UserUpdated}}},
		"a login changes the document": {with(owned, unowned),
			with(*with(owned, unowned), func(u *User) { u.Document = "{}" }), byLogin,
			outcome{Events: []model.EventType{UserUpdated}}},
	} {
		t.Run(name, func(t *testing.T) {
			epoch := int64(1)
			was := ConsequencesOf(c.before, c.after, c.by)
			got := outcome{was.events, was.ended, was.Row.Epoch == epoch+1, was.Row.InactiveReason, was.recompute,
				was.removePassword, was.lastAdmin, was.NeedsTransaction()}
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
