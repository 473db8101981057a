package scim

import (
	"context"
	"net/http"

	"rollcall/model/directory"
	"rollcall/model/people"
	"rollcall/model/search"
	"rollcall/scim/patch"
)

func (x *exchange) createGroup(ctx context.Context) (answer, error) {
	document, members, err := patch.Document(x.body, x.groups.attributes)
	if err != nil {
		return answer{}, err
	}
	g, err := x.contents.CreateGroup(ctx, document, members.Add)
	if err != nil {
		return answer{}, err
	}
	return x.groupAnswer(ctx, http.StatusCreated, g, len(members.Add) == 0)
}

func (x *exchange) getGroup(ctx context.Context) (answer, error) {
	g, err := x.contents.Group(ctx, x.id)
	if err != nil {
		return answer{}, err
	}
	return x.groupAnswer(ctx, http.StatusOK, g, false)
}

func (x *exchange) listGroups(ctx context.Context) (answer, error) {
	q, err := x.listQuery(x.groups)
	if err != nil {
		return answer{}, err
	}
	for {
		if err := x.begin(ctx, &q, search.Groups); err != nil {
			return answer{}, err
		}
		groups, extent, err := x.contents.Groups(ctx, q.Query)
		if err != nil {
			return answer{}, err
		}
		on, err := x.groupList(ctx, groups, q.projection)
		if err == nil {
			err = x.hold(ctx, on.held())
		}
		if err != nil {
			return answer{}, err
		}
		if q.Cursor == nil || on.n == len(groups) {
			return x.frame(&q, x.groups, extent).answer(on.n, on.size, on.add), nil
		}
		q.Limit = on.n
	}
}

// groupList is userList for groups.
func (x *exchange) groupList(ctx context.Context, groups []people.DirectoryGroup, p projection) (listed, error) {
	on := listed{}
	for on.n < len(groups) && (on.n == 0 || on.size < pageBytes) {
		on.size += rendered + len(groups[on.n].Document)
		on.n++
	}
	var members map[string][]people.MemberOf
	if on.n > 0 && p.shows("members") {
		ids := make([]string, on.n)
		for i := range ids {
			ids[i] = groups[i].ID
		}
		var err error
		if members, on.n, err = x.related(ctx, "members", ids, people.In(x.org).SomeGroupMembers); err != nil {
			return listed{}, err
		}
		on.size += x.relatedSize(members)
	}
	on.add = func(b []byte, i int) []byte { return x.appendGroup(b, &groups[i], members[groups[i].ID], p) }
	return on, nil
}

// replaceGroup is PUT. A body without members empties the group, as RFC 7644 §3.5.1 allows: an
// identity provider that leaves empty lists out must be able to take the last member's access away.
func (x *exchange) replaceGroup(ctx context.Context) (answer, error) {
	document, members, err := patch.Document(x.body, x.groups.attributes)
	if err != nil {
		return answer{}, err
	}
	members.Replace = true
	g, err := x.updateGroup(ctx, members, func(stored map[string]any) (map[string]any, bool, error) {
		return patch.Overwrite(stored, document, x.groups.attributes)
	})
	if err != nil {
		return answer{}, err
	}
	return x.groupAnswer(ctx, http.StatusOK, g, len(members.Add) == 0)
}

// patchGroup answers with the group or without a body: RFC 7644 §3.5.2 allows both. See quiet.
func (x *exchange) patchGroup(ctx context.Context) (answer, error) {
	operations, err := patch.Normalize(x.body, x.groups.attributes)
	if err != nil {
		return answer{}, err
	}
	stored := &storedMembers{x, ctx}
	operations, members, err := x.groups.attributes.SplitMembers(operations, stored)
	if err != nil {
		return answer{}, err
	}
	g, err := x.updateGroup(ctx, members, func(stored map[string]any) (map[string]any, bool, error) {
		return patch.Apply(stored, operations, x.groups.attributes)
	})
	if err != nil {
		return answer{}, err
	}
	emptied := members.Replace && len(members.Add) == 0
	if x.projection(x.groups).only == nil && x.quiet(members, emptied) {
		tag := version{number: g.Version}.tag()
		return answer{status: http.StatusNoContent, location: x.location(x.groups, g.ID), tag: tag}, nil
	}
	return x.groupAnswer(ctx, http.StatusOK, g, emptied)
}

// quiet returns whether a PATCH of a group that names no attributes is answered without a body.
// Okta and Entra ID need no body: they send a PATCH with every change of a member, and Microsoft
// asks not to be sent members, of which there may be a hundred thousand. Any client that adds or
// removes members gets none either, since the cost of one member more must not grow with the group.
// Other clients get the group, the RFC's first choice. So does each client of a strict directory.
func (x *exchange) quiet(members patch.Members, emptied bool) bool {
	switch {
	case x.directory.Strict:
		return false
	case x.directory.Type == directory.OktaDirectory, x.directory.Type == directory.EntraDirectory:
		return true
	}
	return !members.Empty() && !emptied
}

// updateGroup has change make the group's next document from the stored one, and changes members.
func (x *exchange) updateGroup(ctx context.Context, members patch.Members, change documentChange) (
	*people.DirectoryGroup, error) {
	return x.contents.UpdateGroup(ctx, x.id, func(g *directory.GroupDraft) error {
		if err := x.conditions.check(g.Version()); err != nil {
			return err
		}
		stored, err := g.DocumentMap()
		if err != nil {
			return err
		}
		next, changed, err := change(stored)
		if err != nil || !changed {
			return err
		}
		return g.SetDocument(next)
	}, x.membersChanges(members)...)
}

// membersChanges is a change of members in the words of the model.
func (x *exchange) membersChanges(m patch.Members) []directory.MembersChange {
	lenient := !x.directory.Strict
	if m.Replace {
		return []directory.MembersChange{{Op: directory.ReplaceMembers, UserIDs: m.Add, PassOver: lenient}}
	}
	var changes []directory.MembersChange
	if len(m.Remove) > 0 {
		changes = append(changes, directory.MembersChange{Op: directory.RemoveMembers, UserIDs: m.Remove})
	}
	if len(m.Add) > 0 {
		changes = append(changes, directory.MembersChange{Op: directory.AddMembers, UserIDs: m.Add, PassOver: lenient})
	}
	return changes
}

func (x *exchange) deleteGroup(ctx context.Context) (answer, error) {
	err := x.contents.DeleteGroup(ctx, x.id, func(g *people.DirectoryGroup) error {
		return x.conditions.check(g.Version)
	})
	return answer{status: http.StatusNoContent}, err
}

// groupAnswer renders a group. Its members are read only if they are shown, and not when the group
// is known to be empty.
func (x *exchange) groupAnswer(ctx context.Context, status int, g *people.DirectoryGroup, empty bool) (answer, error) {
	p := x.projection(x.groups)
	v := version{number: g.Version}
	a := answer{status: status, location: x.location(x.groups, g.ID), tag: v.tag()}
	if x.read && x.conditions.unmodified(v) {
		a.status = http.StatusNotModified
		return a, nil
	}
	if empty || !p.shows("members") {
		a.body = x.appendGroup(nil, g, nil, p)
		return a, nil
	}
	err := x.hold(ctx, pageBytes)
	var members map[string][]people.MemberOf
	if err == nil {
		members, _, err = x.related(ctx, "members", []string{g.ID}, people.In(x.org).SomeGroupMembers)
	}
	size := rendered + len(g.Document) + x.relatedSize(members)
	if err == nil {
		err = x.hold(ctx, listed{size: size}.held())
	}
	if err != nil {
		if x.read || !large(err) {
			return answer{}, err
		}
		p.except = selection{"members": nil}
	}
	a.body = x.appendGroup(make([]byte, 0, size), g, members[g.ID], p)
	return a, nil
}
