package patch

import fp "github.com/scim2/filter-parser/v2"

// membersTarget is the target of most operations on a group's members: Normalize turns filters on
// their values into values, and refuses their sub-attributes. Any other filter is of a removal.
var membersTarget = Target{Attribute: "members"}

// ofMembers reports whether an operation is one on a group's members.
func (op Operation) ofMembers() bool {
	whole := op.Target
	whole.Filter = nil
	return whole == membersTarget
}

// Members is the change that a request makes to the members of a group. All its operations are
// folded into one change of a set, so their order is irrelevant: Add and Remove share no id, and
// neither holds an id twice. The zero Members changes nothing.
type Members struct {
	Replace bool     // the group gets exactly the members in Add; Remove is empty then
	Add     []string // ids, in the order in which the client first named them
	Remove  []string
}

// Empty reports whether m changes no membership.
func (m Members) Empty() bool { return !m.Replace && len(m.Add) == 0 && len(m.Remove) == 0 }

// StoredMembers are the members that a group has. They are asked only where a filter selects
// members by more than their ids.
type StoredMembers interface {
	// All returns all of them, as elements of the attribute.
	All() ([]map[string]any, error)
	// Has tells whether a filter selects one of them.
	Has(filter fp.Expression) (bool, error)
}

// SplitMembers folds the operations on a group's members into one change, and returns the other
// operations in their order. The operations are those of [Normalize].
func (t *Type) SplitMembers(ops []Operation, stored StoredMembers) (rest []Operation, m Members, err error) {
	f := memberFold{stored: stored}
	for _, op := range ops {
		switch {
		case !op.ofMembers():
			rest = append(rest, op)
			continue
		case op.Target.Filter != nil:
			if err := f.remove(t.scopes[0].attrs["members"], op.Target.Filter); err != nil {
				return nil, Members{}, err
			}
			continue
		case op.Op == Replace || op.Op == Remove && op.Value == nil:
			f = memberFold{stored: stored, replace: true}
		}
		list, _ := op.Value.([]any)
		for _, e := range list {
			f.set(e, op.Op != Remove)
		}
	}
	return rest, f.members(), nil
}

// memberFold folds several operations on a set of ids into one: the last operation on each id
// counts.
type memberFold struct {
	replace  bool
	order    []string
	isMember map[string]bool           // by id
	sent     map[string]map[string]any // elements as the client sent them, by id

	stored StoredMembers
	list   []map[string]any          // those of stored, once they were read
	all    map[string]map[string]any // list by id
	named  int                       // how often stored was asked for one
}

// maxNamed is how many filters with an id are asked one by one, before all members are read.
const maxNamed = 5

// remove removes the members that a filter selects: of those that the group has, and of those that
// earlier operations have added.
func (f *memberFold) remove(a *attribute, filter fp.Expression) error {
	for _, id := range f.order {
		if f.isMember[id] && a.matches(filter, f.sent[id]) {
			f.isMember[id] = false
		}
	}
	if f.replace {
		return nil
	}
	id := namedMember(filter)
	if f.named++; id != "" && f.named <= maxNamed && f.all == nil {
		selected, err := f.stored.Has(filter)
		if err == nil && selected {
			f.set(map[string]any{"value": id}, false)
		}
		return err
	}
	if f.all == nil {
		var err error
		if f.list, err = f.stored.All(); err != nil {
			return err
		}
		f.all = make(map[string]map[string]any, len(f.list))
		for _, e := range f.list {
			id, _ := e["value"].(string)
			f.all[id] = e
		}
	}
	if id != "" {
		if e := f.all[id]; e != nil && a.matches(filter, e) {
			f.set(e, false)
		}
		return nil
	}
	for _, e := range f.list {
		if a.matches(filter, e) {
			f.set(e, false)
		}
	}
	return nil
}

// set records whether the element e, if it has a value, shall be a member.
func (f *memberFold) set(e any, isMember bool) {
	m, _ := e.(map[string]any)
	id, ok := m["value"].(string)
	if !ok {
		return
	}
	if f.isMember == nil {
		f.isMember, f.sent = make(map[string]bool), make(map[string]map[string]any)
	}
	if _, known := f.isMember[id]; !known {
		f.order = append(f.order, id)
	}
	f.isMember[id], f.sent[id] = isMember, m
}

// members returns the folded change.
func (f *memberFold) members() Members {
	m := Members{Replace: f.replace}
	for _, id := range f.order {
		switch {
		case f.isMember[id]:
			m.Add = append(m.Add, id)
		case !f.replace:
			m.Remove = append(m.Remove, id)
		}
	}
	return m
}
