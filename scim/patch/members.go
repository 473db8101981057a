package patch

// membersTarget is the target of operations on a group's members. They keep no other target:
// Normalize turns filters into values, and refuses sub-attributes.
var membersTarget = Target{Attribute: "members"}

// Members is what a request does to the members of a group. The effects of all its operations are
// folded into one change of a set, so it needs no order: Add and Remove share no id, and neither
// holds an id twice. The zero Members changes nothing.
type Members struct {
	Replace bool     // the group shall have exactly the members in Add; Remove is empty then
	Add     []string // ids, in the order in which the client first named them
	Remove  []string
}

// Empty says whether m leaves every membership as it is.
func (m Members) Empty() bool { return !m.Replace && len(m.Add) == 0 && len(m.Remove) == 0 }

// SplitMembers parts the operations on a group's members, folded into one change, from the others,
// whose order it keeps. The operations are those of [Normalize].
func SplitMembers(ops []Operation) (rest []Operation, members Members) {
	var f fold
	for _, op := range ops {
		if op.Target != membersTarget {
			rest = append(rest, op)
			continue
		}
		if op.Op == Replace || op.Op == Remove && op.Value == nil {
			f = fold{replace: true}
		}
		list, _ := op.Value.([]any)
		for _, e := range list {
			f.set(e, op.Op != Remove)
		}
	}
	return rest, f.members()
}

// fold collects what several operations do to a set: the last word on each id counts.
type fold struct {
	replace bool
	order   []string
	in      map[string]bool
}

// set notes that the element e, which has a value, is a member or is none.
func (f *fold) set(e any, in bool) {
	m, _ := e.(map[string]any)
	id, ok := m["value"].(string)
	if !ok {
		return
	}
	if f.in == nil {
		f.in = make(map[string]bool)
	}
	if _, known := f.in[id]; !known {
		f.order = append(f.order, id)
	}
	f.in[id] = in
}

func (f *fold) members() Members {
	m := Members{Replace: f.replace}
	for _, id := range f.order {
		switch {
		case f.in[id]:
			m.Add = append(m.Add, id)
		case !f.replace:
			m.Remove = append(m.Remove, id)
		}
	}
	return m
}
