package scim

import (
	"context"
	"net/http"

	"rollcall/model"
	"rollcall/model/people"
	"rollcall/model/search"
	"rollcall/scim/patch"
	"rollcall/web"
)

func (x *exchange) createUser(ctx context.Context) (answer, error) {
	document, _, err := patch.Document(x.body, x.users.attributes)
	if err != nil {
		return answer{}, err
	}
	u, err := x.contents.CreateUser(ctx, document)
	if err != nil {
		return answer{}, err
	}
	return x.userAnswer(ctx, http.StatusCreated, u)
}

func (x *exchange) getUser(ctx context.Context) (answer, error) {
	u, err := x.contents.User(ctx, x.id)
	if err != nil {
		return answer{}, err
	}
	return x.userAnswer(ctx, http.StatusOK, u)
}

func (x *exchange) listUsers(ctx context.Context) (answer, error) {
	q, err := x.listQuery(x.users)
	if err != nil {
		return answer{}, err
	}
	q.Groups = q.projection.shows("groups")
	for {
		if err := x.begin(ctx, &q, search.Users); err != nil {
			return answer{}, err
		}
		users, extent, err := x.contents.Users(ctx, q.Query)
		if err != nil {
			return answer{}, err
		}
		on, err := x.userList(ctx, users, q.projection)
		if err == nil {
			err = x.hold(ctx, on.held())
		}
		if err != nil {
			return answer{}, err
		}
		if q.Cursor == nil || on.n == len(users) {
			return x.frame(&q, x.users, extent).answer(on.n, on.size, on.add), nil
		}
		q.Limit = on.n // the next page begins behind the last one that is shown
	}
}

// userList reads the groups of users if they are shown.
func (x *exchange) userList(ctx context.Context, users []people.User, p projection) (listed, error) {
	on := listed{add: func(b []byte, i int) []byte { return x.appendUser(b, &users[i], p) }}
	for on.n < len(users) && (on.n == 0 || on.size < pageBytes) {
		on.size += rendered + len(users[on.n].Document)
		on.n++
	}
	if !p.shows("groups") {
		return on, nil
	}
	size, n, err := x.readGroups(ctx, users[:on.n])
	on.n = n
	on.size += size
	return on, err
}

// readGroups reads the groups of the users that were read without them, as far as a page reaches.
// It returns how many bytes they have as JSON, roughly, and how many users are on the page.
func (x *exchange) readGroups(ctx context.Context, users []people.User) (size, n int, err error) {
	var ids []string
	for i := range users {
		if users[i].Groups == nil {
			ids = append(ids, users[i].ID)
		}
	}
	if len(ids) == 0 {
		return 0, len(users), nil
	}
	groups, fit, err := x.related(ctx, "groups", ids, people.In(x.org).SomeGroupsOf)
	for i := range users {
		if fit < len(ids) && users[i].ID == ids[fit] {
			return x.relatedSize(groups), i, err
		}
		if users[i].Groups == nil {
			users[i].Groups = groups[users[i].ID]
		}
	}
	return x.relatedSize(groups), len(users), err
}

// rendered is the approximate number of bytes that a resource has besides its document.
const rendered = 500

// replaceUser is PUT. A body without active, or with null, leaves it as it is, as RFC 7644 §3.5.1
// allows: clients that leave empty values out leave out false too, and a change of a profile must
// not give access.
func (x *exchange) replaceUser(ctx context.Context) (answer, error) {
	a, err := x.replaceDocument(ctx)
	return x.orDeactivate(ctx, a, err)
}

func (x *exchange) replaceDocument(ctx context.Context) (answer, error) {
	document, _, err := patch.Document(x.body, x.users.attributes)
	if err != nil {
		return answer{}, err
	}
	_, sent := document["active"]
	return x.updateUser(ctx, func(stored map[string]any) (map[string]any, bool, error) {
		if !sent {
			document["active"] = stored["active"]
		}
		return patch.Overwrite(stored, document, x.users.attributes)
	})
}

func (x *exchange) patchUser(ctx context.Context) (answer, error) {
	a, err := x.patchDocument(ctx)
	return x.orDeactivate(ctx, a, err)
}

func (x *exchange) patchDocument(ctx context.Context) (answer, error) {
	operations, err := patch.Normalize(x.body, x.users.attributes)
	if err != nil {
		return answer{}, err
	}
	return x.updateUser(ctx, func(stored map[string]any) (map[string]any, bool, error) {
		return patch.Apply(stored, operations, x.users.attributes)
	})
}

// orDeactivate answers a PUT, or a PATCH of a whole resource, that was refused for its data. If it
// says that the user is inactive, it deactivates an active user and changes nothing else: to take
// access away never fails on a rule about data, and the client would repeat the same request for
// ever. A strict directory carries a request out as a whole or not at all.
func (x *exchange) orDeactivate(ctx context.Context, a answer, err error) (answer, error) {
	if err == nil || x.directory.Strict {
		return a, err
	}
	switch refused(err).Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge:
	default:
		return a, err
	}
	if !patch.Deactivates(x.body, x.users.attributes) {
		return a, err
	}
	a, failed := x.updateUser(ctx, func(stored map[string]any) (map[string]any, bool, error) {
		if stored["active"] != true {
			return nil, false, err
		}
		stored["active"] = false
		return stored, true, nil
	})
	if failed != nil {
		return answer{}, failed
	}
	a.passedOver = err
	x.log.WarnContext(ctx, "SCIM request refused, but for the end of access", "request", web.RequestID(ctx),
		"directory", model.DirectoryPrefix.ID(x.directory.ID), "type", refused(err).ScimType)
	return a, nil
}

// documentChange makes the next document of a resource from the stored one, and says whether they
// differ.
type documentChange func(stored map[string]any) (next map[string]any, changed bool, err error)

// updateUser applies change to the user's document, in which active is an attribute like any other,
// except that it always has a value: to unassign it changes nothing, so that access ends or begins
// only with an explicit true or false.
func (x *exchange) updateUser(ctx context.Context, change documentChange) (answer, error) {
	u, err := x.contents.UpdateUser(ctx, x.id, func(u *people.UserDraft) error {
		if err := x.conditions.check(u.Version()); err != nil {
			return err
		}
		stored, err := u.DocumentMap()
		if err != nil {
			return err
		}
		stored["active"] = u.Active
		next, changed, err := change(stored)
		if err == nil && changed {
			err = x.users.attributes.Complete(stored, next)
		}
		if err != nil || !changed {
			return err
		}
		return u.SetDocument(next)
	})
	if err != nil {
		return answer{}, err
	}
	return x.userAnswer(ctx, http.StatusOK, u)
}

func (x *exchange) deleteUser(ctx context.Context) (answer, error) {
	err := x.contents.DeleteUser(ctx, x.id, x.conditions.check)
	return answer{status: http.StatusNoContent}, err
}

// userAnswer renders a user. Its groups are read only if they are shown and if there can be any: a
// user that has just been created is in no group.
func (x *exchange) userAnswer(ctx context.Context, status int, u *people.User) (answer, error) {
	p := x.projection(x.users)
	shown := []people.User{*u}
	size := rendered + len(u.Document)
	if created := status == http.StatusCreated && u.Version == 1; !p.shows("groups") || created {
		shown[0].Groups = nil
	} else {
		more, _, err := x.readGroups(ctx, shown)
		if err == nil {
			err = x.hold(ctx, listed{size: size + more}.held())
		}
		if err != nil && (x.read || !large(err)) {
			return answer{}, err
		}
		size += more
	}
	r := x.userResource(&shown[0])
	a := answer{status: status, location: x.location(x.users, u.ID), tag: r.version.tag()}
	if x.read && x.conditions.unmodified(r.version) {
		a.status = http.StatusNotModified
		return a, nil
	}
	a.body = x.appendResource(make([]byte, 0, size), x.users, r, p)
	return a, nil
}
