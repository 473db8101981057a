package patch

// membersTarget is the target of all operations on a group's members: Normalize turns filters on
// them into values, and refuses their sub-attributes.
var membersTarget = Target{Attribute: "members"}

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

// SplitMembers folds the operations on a group's members into one change, and returns the other
// operations in their order. The operations are those of [Normalize].
func SplitMembers(ops []Operation) (rest []Operation, members Members) {
	var f memberFold
	for _, op := range ops {
		if op.Target != membersTarget {
			rest = append(rest, op)
			continue
		}
		if op.Op == Replace || op.Op == Remove && op.Value == nil {
			f = memberFold{replace: true}
		}
		list, _ := op.Value.([]any)
		for _, e := range list {
			f.set(e, op.Op != Remove)
		}
	}
	return rest, f.members()
}

// memberFold folds several operations on a set of ids into one: the last operation on each id
// counts.
type memberFold struct {
	replace  bool
	order    []string
	isMember map[string]bool // by id
}

// set records whether the element e, if it has a value, shall be a member.
func (f *memberFold) set(e any, isMember bool) {
	m, _ := e.(map[string]any)
	id, ok := m["value"].(string)
	if !ok {
		return
	}
	if f.isMember == nil {
		f.isMember = make(map[string]bool)
	}
	if _, known := f.isMember[id]; !known {
		f.order = append(f.order, id)
	}
	f.isMember[id] = isMember
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
