package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	fp "github.com/scim2/filter-parser/v2"

	"rollcall/model/people"
	"rollcall/model/search"
)

// bySearch is POST to a .search (RFC 7644 §3.4.3): a list whose parameters are in the body, where
// they do not get into the log of a proxy.
func bySearch(list handler) handler {
	return func(x *exchange, ctx context.Context) (answer, error) {
		p := parameters{}
		// SCIM-SDK sends no body if it has no parameters. Only a strict directory refuses that.
		if len(bytes.TrimSpace(x.body)) > 0 || x.directory.Strict {
			var err error
			if p, err = searchParameters(x.body); err != nil {
				return answer{}, err
			}
		}
		if err := x.announced("urn:ietf:params:scim:api:messages:2.0:SearchRequest", p["schemas"]); err != nil {
			return answer{}, err
		}
		x.parameters = p
		return list(x, ctx)
	}
}

// announced returns an error if schemas lack urn, the message's own. Only a strict directory
// refuses a message without schemas.
func (x *exchange) announced(urn string, schemas []string) error {
	named := slices.ContainsFunc(schemas, func(s string) bool { return strings.EqualFold(s, urn) })
	if named || len(schemas) == 0 && !x.directory.Strict {
		return nil
	}
	return &Refused{Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidSyntax,
		Detail: "schemas must be a list that has " + urn}
}

// searchParameters reads a SearchRequest as the parameters of a GET.
func searchParameters(body []byte) (parameters, error) {
	var request map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&request); err != nil || decoder.More() || request == nil {
		return nil, &Refused{Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidSyntax, Err: err,
			Detail: "the body must be one JSON object, a SearchRequest"}
	}
	p := parameters{}
	for name, v := range request {
		list, ok := v.([]any)
		if !ok && v != nil {
			list = []any{v}
		}
		for _, element := range list {
			switch e := element.(type) {
			case string:
				p.add(name, e)
			case json.Number:
				p.add(name, e.String())
			default:
				return nil, badParameter("%.40q must be a string, a number or a list of strings", name)
			}
		}
	}
	return p, nil
}

// queryAll lists the resources of both types: the users, then the groups, each in the order that is
// asked for (RFC 7644 §3.4.2.1).
func (x *exchange) queryAll(ctx context.Context) (answer, error) {
	const endpoint = "/"
	page, cursor, err := x.pageQuery(endpoint)
	if err != nil {
		return answer{}, err
	}
	ofUsers, ofGroups, err := x.askBoth(page)
	if err != nil {
		return answer{}, err
	}
	r, on, err := x.bothListed(ctx, &ofUsers, &ofGroups, cursor)
	if err != nil {
		return answer{}, err
	}
	l := list{total: r.total, startIndex: page.startIndex, byCursor: cursor != nil}
	if r.next != nil {
		r.next.Total = r.total
		l.next = x.next(endpoint, r.nextType, r.next)
	}
	return l.answer(on.n, on.size, on.add), nil
}

// bothListed reads one page of users and groups with what belongs to them.
func (x *exchange) bothListed(ctx context.Context, ofUsers, ofGroups *listQuery, cursor *cursorText) (
	both, listed, error) {
	for {
		err := x.begin(ctx, ofUsers, search.Users)
		var r both
		switch {
		case err != nil:
		case cursor == nil:
			r, err = x.bothByIndex(ctx, ofUsers.Query, ofGroups.Query)
		default:
			r, err = x.bothByCursor(ctx, ofUsers.Query, ofGroups.Query, cursor)
		}
		if err != nil {
			return both{}, listed{}, err
		}
		on, err := x.bothOn(ctx, r, ofUsers.projection, ofGroups.projection)
		if err == nil {
			err = x.hold(ctx, on.held())
		}
		if err != nil || cursor == nil || on.n == len(r.users)+len(r.groups) {
			return r, on, err
		}
		ofUsers.Limit, ofGroups.Limit = on.n, on.n
	}
}

// bothOn is userList for a page of users and groups.
func (x *exchange) bothOn(ctx context.Context, r both, ofUsers, ofGroups projection) (listed, error) {
	users, err := x.userList(ctx, r.users, ofUsers)
	if err != nil || users.n < len(r.users) || users.size >= pageBytes && users.n > 0 {
		return users, err
	}
	groups, err := x.groupList(ctx, r.groups, ofGroups)
	return listed{n: users.n + groups.n, size: users.size + groups.size, add: func(b []byte, i int) []byte {
		if i < users.n {
			return users.add(b, i)
		}
		return groups.add(b, i-users.n)
	}}, err
}

// both is one page of users and groups.
type both struct {
	users    []people.User
	groups   []people.DirectoryGroup
	total    int
	next     *search.Cursor // nil on the last page, and without a cursor
	nextType string
}

// bothByIndex reads the page at an index, where the groups follow the last user.
func (x *exchange) bothByIndex(ctx context.Context, ofUsers, ofGroups search.Query) (both, error) {
	users, extent, err := x.contents.Users(ctx, ofUsers)
	if err != nil {
		return both{}, err
	}
	ofGroups.Offset = max(ofGroups.Offset-extent.Total, 0)
	ofGroups.Limit -= len(users)
	groups, ofAll, err := x.contents.Groups(ctx, ofGroups)
	return both{users: users, groups: groups, total: extent.Total + ofAll.Total}, err
}

// bothByCursor reads the page that begins at a cursor: at the beginning, among the users or among
// the groups.
func (x *exchange) bothByCursor(ctx context.Context, ofUsers, ofGroups search.Query,
	cursor *cursorText) (both, error) {
	place := &search.Cursor{Place: cursor.Place, Total: cursor.Total}
	if cursor.Type == x.groups.Name {
		ofGroups.Cursor = place
		groups, extent, err := x.contents.Groups(ctx, ofGroups)
		return both{groups: groups, total: cursor.Total, next: extent.Next, nextType: x.groups.Name}, err
	}
	ofUsers.Cursor, ofGroups.Cursor = place, new(search.Cursor)
	users, extent, err := x.contents.Users(ctx, ofUsers)
	if err != nil {
		return both{}, err
	}
	r := both{users: users, total: extent.Total, next: extent.Next, nextType: x.users.Name}
	first := cursor.Type == "" // the later pages know the total from the cursor
	if r.next == nil {
		return x.groupsBehind(ctx, r, ofGroups, first)
	}
	if first {
		ofGroups.Limit = 0 // only counts
		_, ofAll, err := x.contents.Groups(ctx, ofGroups)
		r.total += ofAll.Total
		return r, err
	}
	return r, nil
}

// groupsBehind reads the groups of a page by cursor that has the last users. If the users fill the
// page, the groups begin on the next one.
func (x *exchange) groupsBehind(ctx context.Context, r both, ofGroups search.Query, first bool) (
	both, error) {
	room := ofGroups.Limit - len(r.users)
	ofGroups.Limit = max(room, 1) // with one, there is a next page
	groups, extent, err := x.contents.Groups(ctx, ofGroups)
	if err != nil {
		return both{}, err
	}
	if first {
		r.total += extent.Total
	}
	r.nextType = x.groups.Name
	switch {
	case room > 0:
		r.groups, r.next = groups, extent.Next
	case len(groups) > 0:
		r.next = new(search.Cursor)
	}
	return r, nil
}

// askBoth reads filter, order and projection in the words of each type. An attribute that only the
// other type has is absent from this type's resources.
func (x *exchange) askBoth(page listQuery) (ofUsers, ofGroups listQuery, err error) {
	ofUsers, ofGroups = page, page
	a, err := x.asked()
	if err != nil {
		return ofUsers, ofGroups, err
	}
	for _, side := range []struct {
		q           *listQuery
		own, others *resourceType
	}{{&ofUsers, x.users, x.groups}, {&ofGroups, x.groups, x.users}} {
		if a.filter != nil {
			if side.q.Filter, err = adapt(a.filter, side.own, side.others); err != nil {
				return ofUsers, ofGroups, err
			}
		}
		if side.q.Sort, err = a.sort(side.own); err != nil {
			if _, elsewhere := a.sort(side.others); elsewhere != nil {
				return ofUsers, ofGroups, err
			}
		}
		x.show(side.q, side.own)
	}
	return ofUsers, ofGroups, nil
}

// adapt returns a filter in the words of a type. A comparison of an attribute that only the other
// type has becomes one that is always true or never, as for an absent attribute.
func adapt(e fp.Expression, own, others *resourceType) (fp.Expression, error) {
	switch x := e.(type) {
	case *fp.LogicalExpression:
		left, err := adapt(x.Left, own, others)
		if err != nil {
			return nil, err
		}
		right, err := adapt(x.Right, own, others)
		return &fp.LogicalExpression{Left: left, Right: right, Operator: x.Operator}, err
	case *fp.NotExpression:
		inner, err := adapt(x.Expression, own, others)
		return &fp.NotExpression{Expression: inner}, err
	}
	canonical, err := own.attributes.Filter(e)
	if err == nil {
		return canonical, nil
	}
	if _, elsewhere := others.attributes.Filter(e); elsewhere != nil {
		return nil, err
	}
	id := fp.AttributePath{AttributeName: "id"}
	all := fp.Expression(&fp.AttributeExpression{AttributePath: id, Operator: fp.PR})
	if x, ok := e.(*fp.AttributeExpression); ok {
		null := x.Operator != fp.PR && x.CompareValue == nil
		if (x.Operator == fp.NE) != null {
			return all, nil // absent differs from any value, and is null
		}
	}
	return &fp.NotExpression{Expression: all}, nil
}
