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

	"rollcall/model"
	"rollcall/scim/filter"
)

// search is POST to a .search (RFC 7644 §3.4.3): the list whose parameters stand in the body, where
// no proxy's log keeps them.
func search(list handler) handler {
	return func(x *exchange, ctx context.Context) (answer, error) {
		p, err := searchParameters(x.body)
		if err != nil {
			return answer{}, err
		}
		const urn = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
		if x.directory.Strict && !slices.ContainsFunc(p["schemas"], func(s string) bool { return strings.EqualFold(s, urn) }) {
			return answer{}, &Refused{Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidSyntax,
				Detail: "schemas must be a list that has " + urn}
		}
		x.parameters = p
		return list(x, ctx)
	}
}

// searchParameters reads a SearchRequest as the parameters that it stands for.
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
	r, err := x.readBoth(ctx, page, ofUsers.ResourceQuery, ofGroups.ResourceQuery, cursor)
	if err != nil {
		return answer{}, err
	}
	size, addUser, err := x.userList(ctx, r.users, ofUsers.projection)
	if err != nil {
		return answer{}, err
	}
	more, addGroup, err := x.groupList(ctx, r.groups, ofGroups.projection)
	if err != nil {
		return answer{}, err
	}
	l := list{total: r.total, startIndex: page.startIndex, byCursor: cursor != nil}
	if r.next != nil {
		l.next = x.next(endpoint, r.nextType, r.next)
	}
	return l.answer(len(r.users)+len(r.groups), size+more, func(b []byte, i int) []byte {
		if i < len(r.users) {
			return addUser(b, i)
		}
		return addGroup(b, i-len(r.users))
	}), nil
}

// both is one page of users and groups.
type both struct {
	users    []model.User
	groups   []model.DirectoryGroup
	total    int
	next     *model.Cursor // nil on the last page, and without a cursor
	nextType string
}

// readBoth reads a page that may begin among the users and end among the groups.
func (x *exchange) readBoth(ctx context.Context, page listQuery, ofUsers, ofGroups model.ResourceQuery, cursor *cursorText) (both, error) {
	var r both
	if cursor != nil {
		ofUsers.Cursor, ofGroups.Cursor = new(model.Cursor), new(model.Cursor)
		if cursor.Type == x.groups.Name {
			ofUsers.Limit = 0
			ofGroups.Cursor.Place, ofGroups.Cursor.Total = cursor.Place, cursor.Total
		} else {
			ofUsers.Cursor.Place, ofUsers.Cursor.Total = cursor.Place, cursor.Total
		}
	}
	var extent model.Extent
	var err error
	if cursor == nil || ofUsers.Limit > 0 {
		if r.users, extent, err = x.org.DirectoryUsers(ctx, x.directory.ID, ofUsers); err != nil {
			return r, err
		}
		r.total, r.next, r.nextType = extent.Total, extent.Next, x.users.Name
	}
	first := cursor == nil || cursor.Type == ""
	ofGroups.Offset = max(page.Offset-r.total, 0)
	ofGroups.Limit = page.Limit - len(r.users)
	if r.next != nil {
		ofGroups.Limit = 0
		if !first {
			return r, nil
		}
	}
	atEnd := cursor != nil && r.next == nil && ofGroups.Limit == 0
	if atEnd {
		ofGroups.Limit = 1 // are there any?
	}
	if r.groups, extent, err = x.org.DirectoryGroups(ctx, x.directory.ID, ofGroups); err != nil {
		return r, err
	}
	if first {
		r.total += extent.Total
	} else {
		r.total = cursor.Total
	}
	switch {
	case atEnd && len(r.groups) > 0:
		r.groups, r.next, r.nextType = nil, new(model.Cursor), x.groups.Name
	case extent.Next != nil:
		r.next, r.nextType = extent.Next, x.groups.Name
	}
	if r.next != nil {
		r.next.Total = r.total
	}
	return r, nil
}

// askBoth reads filter, order and projection once for each type. What only the other type has is
// absent from this one's resources.
func (x *exchange) askBoth(page listQuery) (ofUsers, ofGroups listQuery, err error) {
	ofUsers, ofGroups = page, page
	text, err := x.parameters.one("filter")
	if err != nil {
		return ofUsers, ofGroups, err
	}
	for _, side := range []struct {
		q           *listQuery
		own, others *resourceType
	}{{&ofUsers, x.users, x.groups}, {&ofGroups, x.groups, x.users}} {
		q := side.q
		if text != "" {
			parsed, err := filter.Parse(text)
			if err != nil {
				return ofUsers, ofGroups, err
			}
			if q.Filter, err = adapt(parsed, side.own, side.others); err != nil {
				return ofUsers, ofGroups, err
			}
		}
		if q.Sort, err = x.sort(side.own); err != nil {
			if _, elsewhere := x.sort(side.others); elsewhere != nil {
				return ofUsers, ofGroups, err
			}
		}
		q.Form, q.Base, q.projection = side.own.form, x.base, x.projection(side.own)
	}
	return ofUsers, ofGroups, nil
}

// adapt returns a filter in the words of a type, with what only the others' type has compared as the
// absent attribute that it is here.
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
	all := fp.Expression(&fp.AttributeExpression{AttributePath: fp.AttributePath{AttributeName: "id"}, Operator: fp.PR})
	if x, ok := e.(*fp.AttributeExpression); ok && (x.Operator == fp.NE) != (x.Operator != fp.PR && x.CompareValue == nil) {
		return all, nil // absent differs from any value, and is null
	}
	return &fp.NotExpression{Expression: all}, nil
}
