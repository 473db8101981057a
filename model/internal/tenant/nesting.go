package tenant

// Amongst is what makes a column a condition that it is one of ids, and the value
// for it. For one alone the planner knows better what to expect.
func Amongst(h Bound, ids []string) (condition string, value any, err error) {
	o := h.org()
	if len(ids) == 1 {
		return " = ?", ids[0], nil
	}
	value, err = Encode(ids)
	return o.store.dialect.OneOf(""), value, err
}
