package scim

import (
	"net/http"
	"strconv"
	"strings"

	"rollcall/model"
	"rollcall/model/people"
	"rollcall/model/search"
	"rollcall/scim/jsontext"
)

// resource is a row as it is rendered: what users and groups have in common.
type resource struct {
	id       string
	version  version
	created  model.Time
	modified model.Time
	document string // JSON with canonical attribute names

	// derived are the attributes that are not in the document, as names and values in JSON.
	derived [][2]string

	list *[]people.MemberOf // the members of a group, where they are shown whole
}

// appendResource appends a resource as JSON. The document is copied as it is stored if p shows all:
// to decode it would cost more than the rest of a list request.
func (x *exchange) appendResource(b []byte, t *resourceType, r *resource, p projection) []byte {
	shown := r.document
	if !p.all() {
		object, _ := p.appendValue(nil, shown)
		shown = string(object)
	}
	b = append(b, `{"schemas":["`...)
	b = append(b, t.Schema.ID...)
	b = append(b, '"')
	// RFC 7643 §3: the schemas of the attributes that are present in the current JSON structure.
	for name := range jsontext.Members(shown) {
		if isURN(name) {
			b = append(b, ',')
			b = append(b, name...)
		}
	}
	b = append(b, `],"id":"`...)
	b = append(b, r.id...)
	b = append(b, '"')
	if inner := shown[1 : len(shown)-1]; inner != "" {
		b = append(b, ',')
		b = append(b, inner...)
	}
	for _, d := range r.derived {
		b = p.appendMember(b, d[0], d[1])
	}
	if r.list != nil {
		b = x.appendMemberships(append(b, `,"members":`...), *r.list, nil)
	}
	return append(x.appendMeta(b, t, r, p), '}')
}

// isURN returns whether a name is the URN of an extension: no name of an attribute has a colon.
func isURN(name string) bool { return strings.IndexByte(name, ':') >= 0 }

// appendMeta appends what p shows of the common attribute meta. Times have the milliseconds that
// are stored, so that a filter with such a time finds the resource again.
func (x *exchange) appendMeta(b []byte, t *resourceType, r *resource, p projection) []byte {
	sub, shown := p.ofMeta()
	if !shown {
		return b
	}
	before := len(b)
	b = append(b, `,"meta":`...)
	if sub.all() {
		return x.appendWholeMeta(b, t, r)
	}
	b, any := sub.appendValue(b, string(x.appendWholeMeta(nil, t, r)))
	if !any {
		return b[:before]
	}
	return b
}

func (x *exchange) appendWholeMeta(b []byte, t *resourceType, r *resource) []byte {
	b = append(b, `{"resourceType":"`...)
	b = append(b, t.Name...)
	b = append(b, `","created":"`...)
	b = append(b, r.created.String()...)
	b = append(b, `","lastModified":"`...)
	b = append(b, r.modified.String()...)
	b = append(b, `","location":"`...)
	b = x.appendLocation(b, t, r.id)
	b = append(b, `","version":"W/\"`...)
	b = append(b, r.version.opaque()...)
	return append(b, `\""}`...)
}

// location is the URL of a resource.
func (x *exchange) location(t *resourceType, id string) string {
	return string(x.appendLocation(nil, t, id))
}

// appendLocation appends the URL of a resource. Nothing in it needs escaping in JSON.
func (x *exchange) appendLocation(b []byte, t *resourceType, id string) []byte {
	b = append(b, x.base...)
	b = append(b, t.Endpoint...)
	b = append(b, '/')
	return append(b, id...)
}

// memberships is the value of a user's groups, with the type of groups as t, or of a group's
// members, with nil as t.
func (x *exchange) memberships(list []people.MemberOf, t *resourceType) string {
	return string(x.appendMemberships(make([]byte, 0, 2+(membershipSize+len(x.base))*len(list)), list, t))
}

// membershipSize is the number of bytes that a membership has besides the base URL, roughly.
const membershipSize = 150

// appendMemberships appends memberships.
func (x *exchange) appendMemberships(b []byte, list []people.MemberOf, t *resourceType) []byte {
	b = append(b, '[')
	for i, m := range list {
		if i > 0 {
			b = append(b, ',')
		}
		of, kind := t, "direct"
		switch {
		case m.Indirect:
			kind = "indirect"
		case t == nil && m.IsGroup:
			of, kind = x.groups, x.groups.Name
		case t == nil:
			of, kind = x.users, x.users.Name
		}
		b = append(b, `{"value":"`...)
		b = append(b, m.ID...)
		b = append(b, `","$ref":"`...)
		b = x.appendLocation(b, of, m.ID)
		if m.DisplayName != "" {
			b = append(b, `","display":`...)
			b = jsontext.AppendString(b, m.DisplayName)
			b = append(b, `,"type":"`...)
		} else {
			b = append(b, `","type":"`...)
		}
		b = append(b, kind...)
		b = append(b, `"}`...)
	}
	return append(b, ']')
}

// userResource is a user with its groups, if they were read.
func (x *exchange) userResource(u *people.User) *resource {
	r := resource{
		u.ID, version{number: u.Version}, u.CreatedAt, u.UpdatedAt, u.Document, make([][2]string, 0, 2), nil,
	}
	r.derived = append(r.derived, [2]string{`"active"`, strconv.FormatBool(u.Active)})
	if len(u.Groups) > 0 {
		list := x.memberships(u.Groups, x.groups)
		r.derived = append(r.derived, [2]string{`"groups"`, list})
		r.version = marked(u.Version, list)
	}
	return &r
}

// appendUser appends a user as JSON with its groups, if it has any.
func (x *exchange) appendUser(b []byte, u *people.User, p projection) []byte {
	return x.appendResource(b, x.users, x.userResource(u), p)
}

// appendGroup appends a group as JSON. A group without members has an empty list, which shows
// clients that they may write the attribute.
func (x *exchange) appendGroup(b []byte, g *people.DirectoryGroup, list []people.MemberOf, p projection) []byte {
	r := resource{g.ID, version{number: g.Version}, g.CreatedAt, g.UpdatedAt, g.Document, nil, nil}
	switch sub, shown := p.of("members"); {
	case shown && sub.all():
		r.list = &list
	case shown && len(list) > 0:
		r.derived = [][2]string{{`"members"`, x.memberships(list, nil)}}
	}
	return x.appendResource(b, x.groups, &r, p)
}

// list is a ListResponse without its resources (RFC 7644 §3.4.2). A page by cursor has no index; it
// has the cursor of the next page unless it is the last one (RFC 9865 §2).
type list struct {
	total      int
	startIndex int
	byCursor   bool
	next       string
}

// frame is the list that answers a query for one type.
func (x *exchange) frame(q *listQuery, t *resourceType, e search.Extent) list {
	l := list{total: e.Total, startIndex: q.startIndex, byCursor: q.Cursor != nil}
	if e.Next != nil {
		l.next = x.next(t.Endpoint, t.Name, e.Next)
	}
	return l
}

// answer makes the response of n resources, which add appends one by one.
func (l list) answer(n, size int, add func(b []byte, i int) []byte) answer {
	b := make([]byte, 0, size+200)
	b = append(b, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":`...)
	b = strconv.AppendInt(b, int64(l.total), 10)
	if !l.byCursor {
		b = append(b, `,"startIndex":`...)
		b = strconv.AppendInt(b, int64(l.startIndex), 10)
	}
	b = append(b, `,"itemsPerPage":`...)
	b = strconv.AppendInt(b, int64(n), 10)
	if l.next != "" {
		b = append(b, `,"nextCursor":"`...)
		b = append(b, l.next...)
		b = append(b, '"')
	}
	b = append(b, `,"Resources":[`...)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = add(b, i)
	}
	return answer{status: http.StatusOK, body: append(b, "]}"...)}
}
