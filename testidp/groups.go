package testidp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// AddMember adds the person to the group, at the server too if it has both. Otherwise the person is
// added there when they are assigned.
func (a *Application) AddMember(ctx context.Context, groupID, personID string) (*Operation, error) {
	return a.setMember(ctx, groupID, personID, true)
}

// RemoveMember removes the person from the group, at the server too.
func (a *Application) RemoveMember(ctx context.Context, groupID, personID string) (*Operation, error) {
	return a.setMember(ctx, groupID, personID, false)
}

// setMember is AddMember or RemoveMember.
func (a *Application) setMember(
	ctx context.Context, groupID, personID string, member bool,
) (*Operation, error) {
	g, p, err := a.dir.setMember(groupID, personID, member)
	if err != nil {
		return nil, err
	}
	title := "Add " + p.Name() + " to "
	if !member {
		title = "Remove " + p.Name() + " from "
	}
	return a.onGroup(ctx, title, g.ID, a.pushMembers)
}

// RenameGroup sets the name of the group, here and at the server. A name that the directory cannot
// accept is an *Invalid error, and no request is sent.
func (a *Application) RenameGroup(ctx context.Context, groupID, name string) (*Operation, error) {
	before, err := a.dir.group(groupID)
	if err != nil {
		return nil, err
	}
	if _, err := a.dir.renameGroup(groupID, name); err != nil {
		return nil, err
	}
	return a.onGroup(ctx, "Rename "+before.Name+" to ", groupID, func(ctx context.Context, g Group) error {
		link := a.groupLink(g.ID)
		if link.state != Assigned {
			return nil
		}
		ops := a.dialect.renameGroup(link.scimID, g.Name)
		return a.noteLost(g.ID, a.client.patch(ctx, groupPath(link.scimID), ops))
	})
}

// DeleteGroup deletes the group at the server. It stays in the directory and can be pushed again.
func (a *Application) DeleteGroup(ctx context.Context, groupID string) (*Operation, error) {
	return a.onGroup(ctx, "Delete the group ", groupID, func(ctx context.Context, g Group) error {
		id := a.groupLink(g.ID).scimID
		if id == "" {
			found, err := a.matchGroup(ctx, g)
			if err != nil {
				return err
			}
			id = found.text("id")
		}
		if id != "" {
			if err := a.client.delete(ctx, groupPath(id)); err != nil {
				return err
			}
		}
		a.linkGroup(g.ID, groupLink{state: Deleted})
		return nil
	})
}

// PushGroup creates or updates the group and its members at the server.
func (a *Application) PushGroup(ctx context.Context, groupID string) (*Operation, error) {
	return a.onGroup(ctx, "Push the group ", groupID, a.pushGroup)
}

// onGroup runs an operation on a group. work gets the group as it is when the operation begins. The
// name of the group is added to the title.
func (a *Application) onGroup(
	ctx context.Context, title, id string, work func(context.Context, Group) error,
) (*Operation, error) {
	g, err := a.dir.group(id)
	if err != nil {
		return nil, err
	}
	return a.operate(ctx, title+g.Name, func(ctx context.Context) error {
		if g, err = a.dir.group(id); err != nil {
			return err
		}
		return work(ctx, g)
	})
}

// pushGroup creates or renames the group at the server, and then pushes its members.
func (a *Application) pushGroup(ctx context.Context, g Group) error {
	before := a.groupLink(g.ID)
	found, err := a.matchGroup(ctx, g)
	if err == nil && found == nil && before.scimID != "" {
		// The server may have refused a new name. Then it has the group under the old one.
		found, err = a.client.readIfThere(ctx, groupPath(before.scimID), a.dialect.groupFields)
	}
	if err != nil {
		return err
	}
	link := groupLink{state: Assigned, scimID: found.text("id"), unknown: true}
	switch link.scimID {
	case "":
		if link.scimID, err = a.client.create(ctx, "/Groups", a.dialect.newGroup(g)); err != nil {
			return err
		}
		link.unknown, link.created = false, true
	case before.scimID:
		link = before
	}
	a.linkGroup(g.ID, link)
	if found != nil && found.text("displayName") != g.Name {
		ops := a.dialect.renameGroup(link.scimID, g.Name)
		if err := a.client.patch(ctx, groupPath(link.scimID), ops); err != nil {
			return err
		}
	}
	return a.pushMembers(ctx, g)
}

// matchGroup searches for the group at the server by its name. It returns nil if there is none.
func (a *Application) matchGroup(ctx context.Context, g Group) (resource, error) {
	query := fmt.Sprintf(a.dialect.groupQuery, escape(equals("displayName", g.Name)))
	found, err := a.client.list(ctx, "/Groups", query)
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		if strings.EqualFold(r.text("displayName"), g.Name) {
			return r, nil
		}
	}
	if len(found) > 0 {
		return nil, &Refused{http.MethodGet, "/Groups", http.StatusOK, "",
			"the answer has groups to which the filter on displayName does not apply"}
	}
	return nil, nil
}

// pushMemberships pushes the members of all groups of a person.
func (a *Application) pushMemberships(ctx context.Context, p Person) error {
	var problems []error
	for _, g := range a.dir.allGroups() {
		if slices.Contains(g.Members, p.ID) {
			problems = append(problems, a.pushMembers(ctx, g))
		}
	}
	return errors.Join(problems...)
}

// pushMembers sends the difference between the members in the directory and at the server. People
// who are not assigned are not added, but existing memberships of them stay: identity providers do
// not change the groups of a deactivated user.
func (a *Application) pushMembers(ctx context.Context, g Group) error {
	link := a.groupLink(g.ID)
	if link.state != Assigned {
		return nil
	}
	add, remove := a.memberChanges(g, link)
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	changed := [2][]member{add, remove}
	if !link.created {
		if a.dialect.readsGroup {
			if _, err := a.client.read(ctx, groupPath(link.scimID), a.dialect.groupFields); err != nil {
				return a.noteLost(g.ID, err)
			}
		}
		add, remove = a.askMembers(ctx, link.scimID, add, remove)
	}
	if len(add) > 0 || len(remove) > 0 {
		for _, ops := range a.dialect.setMembers(link.scimID, g.Name, add, remove, link.unknown) {
			if err := a.client.patch(ctx, groupPath(link.scimID), ops); err != nil {
				return a.noteLost(g.ID, err)
			}
		}
	}
	link.members = maps.Clone(link.members)
	if link.members == nil {
		link.members = map[string]bool{}
	}
	for _, m := range changed[0] {
		link.members[m.id] = true
	}
	for _, m := range changed[1] {
		delete(link.members, m.id)
	}
	link.unknown, link.created = false, false
	a.linkGroup(g.ID, link)
	return nil
}

// memberChanges compares the directory's group with the members that were sent to the server so
// far.
func (a *Application) memberChanges(g Group, link groupLink) (add, remove []member) {
	for _, p := range a.People() {
		m := member{p.SCIMID, p.UserName}
		switch {
		case p.SCIMID == "":
		case !slices.Contains(g.Members, p.ID):
			if link.members[p.SCIMID] {
				remove = append(remove, m)
			}
		case p.State == Assigned && !link.members[p.SCIMID]:
			add = append(add, m)
		}
	}
	return add, remove
}

// askMembers asks the server about each change, and removes those that it has already. If the
// server cannot answer, the change stays.
func (a *Application) askMembers(ctx context.Context, group string, add, remove []member) (_, _ []member) {
	if a.dialect.isMember == nil {
		return add, remove
	}
	drop := func(members []member, when bool) []member {
		return slices.DeleteFunc(slices.Clone(members), func(m member) bool {
			is, err := a.dialect.isMember(ctx, a.client, group, m.id)
			return err == nil && is == when
		})
	}
	return drop(add, true), drop(remove, false)
}

// noteLost returns err. If it means that the server no longer has the group, the state changes to
// NeverPushed.
func (a *Application) noteLost(groupID string, err error) error {
	if gone(err) {
		a.linkGroup(groupID, groupLink{state: NeverPushed})
	}
	return err
}

// groupLink returns a copy of a group's state. The caller must not change its map.
func (a *Application) groupLink(id string) groupLink {
	a.mu.Lock()
	defer a.mu.Unlock()
	return *a.groups[id]
}

// linkGroup stores a group's state.
func (a *Application) linkGroup(id string, link groupLink) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*a.groups[id] = link
}
