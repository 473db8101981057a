package testidp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Assign gives the person access. An existing user of the server is matched, re-activated and
// updated. Otherwise the user is created. Then the person's memberships and managers are pushed.
func (a *Application) Assign(ctx context.Context, personID string) (*Operation, error) {
	return a.onPerson(ctx, "Assign", personID, func(ctx context.Context, p Person) error {
		if err := a.pushPerson(ctx, p); err != nil {
			return err
		}
		return errors.Join(a.pushReferences(ctx, p), a.pushMemberships(ctx, p))
	})
}

// Unassign removes the person's access: active becomes false, and nothing is deleted.
func (a *Application) Unassign(ctx context.Context, personID string) (*Operation, error) {
	return a.onPerson(ctx, "Unassign", personID, a.deactivate)
}

// Delete sends the requests that follow when a person is deleted from the identity provider: the
// user is deactivated and then, if the dialect ever sends DELETE, deleted. The person stays in this
// directory and can be assigned again, as a new user of the server.
func (a *Application) Delete(ctx context.Context, personID string) (*Operation, error) {
	return a.onPerson(ctx, "Delete", personID, func(ctx context.Context, p Person) error {
		if a.personLink(p.ID).state != Unassigned {
			if err := a.deactivate(ctx, p); err != nil {
				return err
			}
		}
		if !a.dialect.deletesUsers {
			return nil
		}
		if id := a.personLink(p.ID).scimID; id != "" {
			if err := a.client.delete(ctx, userPath(id)); err != nil {
				return err
			}
		}
		a.forget(p.ID, Deleted)
		return nil
	})
}

// UpdatePerson changes the person in the directory and, if the person is assigned, at the server.
// Ids do not change. A change that the directory cannot accept is an *Invalid error, and no request
// is sent.
func (a *Application) UpdatePerson(
	ctx context.Context, personID string, change func(*Person),
) (*Operation, error) {
	if _, err := a.dir.updatePerson(personID, change); err != nil {
		return nil, err
	}
	return a.onPerson(ctx, "Update", personID, func(ctx context.Context, p Person) error {
		link := a.personLink(p.ID)
		if link.state != Assigned {
			return nil
		}
		err := a.dialect.updateUser(ctx, a.client, link.scimID, nil, p)
		if gone(err) {
			a.forget(p.ID, NeverPushed)
		}
		if err != nil {
			return err
		}
		return a.pushManager(ctx, p)
	})
}

// onPerson runs an operation on a person. work gets the person as they are when the operation
// begins.
func (a *Application) onPerson(
	ctx context.Context, verb, id string, work func(context.Context, Person) error,
) (*Operation, error) {
	p, err := a.dir.person(id)
	if err != nil {
		return nil, err
	}
	return a.operate(ctx, verb+" "+p.Name(), func(ctx context.Context) error {
		p, err := a.dir.person(id)
		if err != nil {
			return err
		}
		return work(ctx, p)
	})
}

// deactivate sets active to false, if the server has the person.
func (a *Application) deactivate(ctx context.Context, p Person) error {
	id := a.personLink(p.ID).scimID
	if id == "" {
		found, err := a.match(ctx, p)
		if err != nil {
			return err
		}
		id = found.text("id")
	}
	if id != "" {
		err := a.client.patch(ctx, userPath(id), a.dialect.setActive(false))
		if gone(err) {
			a.forget(p.ID, Unassigned)
			return nil
		}
		if err != nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.people[p.ID].state, a.people[p.ID].scimID = Unassigned, id
	return nil
}

// pushPerson creates or updates the server's user.
func (a *Application) pushPerson(ctx context.Context, p Person) error {
	found, err := a.match(ctx, p)
	if known := a.personLink(p.ID).scimID; err == nil && found == nil && known != "" {
		// The server may have refused a new userName. Then it has the person under the old one.
		found, err = a.client.readIfThere(ctx, userPath(known), "")
	}
	if err != nil {
		return err
	}
	id := found.text("id")
	if id == "" {
		if id, err = a.client.create(ctx, "/Users", a.dialect.newUser(p)); err != nil {
			return err
		}
		a.linkPerson(p.ID, id)
		return nil
	}
	if !found.active() {
		if err := a.client.patch(ctx, userPath(id), a.dialect.setActive(true)); err != nil {
			return err
		}
	}
	a.linkPerson(p.ID, id)
	return a.dialect.updateUser(ctx, a.client, id, found, p)
}

// match searches for the person at the server, by one attribute after the other. It returns nil if
// there is no such user. If the server returns other users, it ignores the filter. That is an
// error, because every person would be matched with the first of them.
func (a *Application) match(ctx context.Context, p Person) (resource, error) {
	values := map[string]string{"userName": p.UserName, "externalId": p.ExternalID}
	for _, attribute := range a.dialect.matchBy {
		query := fmt.Sprintf(a.dialect.userQuery, escape(equals(attribute, values[attribute])))
		found, err := a.client.list(ctx, "/Users", query)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			// Only externalId is compared exactly (RFC 7643 §3.1, §4.1.1).
			got := r.text(attribute)
			if got == values[attribute] || attribute == "userName" && strings.EqualFold(got, values[attribute]) {
				return r, nil
			}
		}
		if len(found) > 0 {
			return nil, &Refused{http.MethodGet, "/Users", http.StatusOK, "",
				"the answer has users to whom the filter on " + attribute + " does not apply"}
		}
	}
	return nil, nil
}

// pushManager sends the person's manager, if that has changed and the server has the manager.
func (a *Application) pushManager(ctx context.Context, p Person) error {
	link := a.personLink(p.ID)
	if a.dialect.setManager == nil || link.state != Assigned {
		return nil
	}
	after := ""
	if p.Manager != "" {
		if after = a.personLink(p.Manager).scimID; after == "" {
			return nil
		}
	}
	if after == link.manager {
		return nil
	}
	if err := a.dialect.setManager(ctx, a.client, link.scimID, link.manager, after); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.people[p.ID].manager = after
	return nil
}

// pushReferences pushes the managers of a person and of the people whose manager the person is: a
// person who is created again has a new id at the server.
func (a *Application) pushReferences(ctx context.Context, p Person) error {
	var problems []error
	for _, q := range a.dir.allPeople() {
		if q.ID == p.ID || q.Manager == p.ID {
			problems = append(problems, a.pushManager(ctx, q))
		}
	}
	return errors.Join(problems...)
}

// personLink returns a copy of a person's state.
func (a *Application) personLink(id string) personLink {
	a.mu.Lock()
	defer a.mu.Unlock()
	return *a.people[id]
}

// linkPerson stores that a person is assigned, with the id at the server.
func (a *Application) linkPerson(personID, scimID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	link := a.people[personID]
	if link.scimID != scimID {
		link.manager = ""
	}
	link.state, link.scimID = Assigned, scimID
}

// forget stores that the server no longer has the person, and so no group there has this member.
func (a *Application) forget(personID string, state State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, g := range a.groups {
		delete(g.members, a.people[personID].scimID)
	}
	*a.people[personID] = personLink{state: state}
}
