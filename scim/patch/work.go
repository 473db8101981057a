package patch

import (
	"encoding/json"

	fp "github.com/scim2/filter-parser/v2"
)

// These limits keep a small request from causing much work. A client belongs to one customer, but a
// server that is out of memory, or a transaction that waits for Apply, affects all of them.
const (
	// maxNodes is how many values a body may have. A list of 150,000 members has 300,000. A body of
	// the same size made of {} alone would take a hundred times that size in memory.
	maxNodes = 500_000

	// maxNames is how many attributes one object may have.
	maxNames = 5_000

	// maxBytes is about how many bytes the values of a PATCH may have, without members: twice the
	// limit of a document, so that a PATCH can replace a whole document.
	maxBytes = 512 << 10

	// maxWork is how many values and filter terms of a PATCH Apply may have to compare with each
	// element. A sync has a few dozen.
	maxWork = 10 * MaxOperations

	// maxCompared is about how many bytes Apply may compare. That takes less than a second.
	maxCompared = 32 << 20
)

// size returns about how many bytes a JSON value has.
func size(v any) int {
	const each = 8
	n := each
	switch x := v.(type) {
	case string:
		n += len(x)
	case json.Number:
		n += len(x)
	case map[string]any:
		for name, e := range x {
			n += len(name) + size(e)
		}
	case []any:
		for _, e := range x {
			n += size(e)
		}
	}
	return n
}

// cost returns about how many bytes are compared when op changes the value old.
func cost(old any, op Operation) int {
	times := 1 + terms(op.Target.Filter)
	if list, ok := op.Value.([]any); ok && op.Op == Remove {
		times += len(list)
	}
	return times * size(old)
}

// terms counts the comparisons of a filter.
func terms(e fp.Expression) int {
	switch x := e.(type) {
	case *fp.LogicalExpression:
		return terms(x.Left) + terms(x.Right)
	case *fp.NotExpression:
		return terms(x.Expression)
	case nil:
		return 0
	}
	return 1
}
