package scim

import (
	"context"

	fp "github.com/scim2/filter-parser/v2"

	"rollcall/model/directory"
	"rollcall/model/people"
	"rollcall/model/search"
)

// storedMembers are the members of the group that a request is for, see patch.StoredMembers.
type storedMembers struct {
	*exchange
	ctx context.Context
}

// All reads the members in the form in which a client sees them.
func (m *storedMembers) All() ([]map[string]any, error) {
	// A group of another directory has no members for this one.
	if _, err := directory.Of(m.org, m.directory.ID).Group(m.ctx, m.id); err != nil {
		return nil, err
	}
	of, err := people.In(m.org).GroupMembers(m.ctx, m.id)
	if err != nil {
		return nil, err
	}
	elements := make([]map[string]any, 0, len(of[m.id]))
	for _, member := range of[m.id] {
		t := m.users
		if member.IsGroup {
			t = m.groups
		}
		e := map[string]any{"value": member.ID, "type": t.Name, "$ref": m.location(t, member.ID)}
		if member.DisplayName != "" {
			e["display"] = member.DisplayName
		}
		elements = append(elements, e)
	}
	return elements, nil
}

// Has looks for a member by a search, which reads no other members.
func (m *storedMembers) Has(filter fp.Expression) (bool, error) {
	name := func(name string) fp.AttributePath { return fp.AttributePath{AttributeName: name} }
	q := search.Query{Base: m.base, Form: m.groups.form, Filter: &fp.LogicalExpression{Operator: fp.AND,
		Left:  &fp.AttributeExpression{AttributePath: name("id"), Operator: fp.EQ, CompareValue: m.id},
		Right: &fp.ValuePath{AttributePath: name("members"), ValueFilter: filter}}}
	_, extent, err := directory.Of(m.org, m.directory.ID).Groups(m.ctx, q)
	return extent.Total > 0, err
}
