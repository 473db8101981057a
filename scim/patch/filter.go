package patch

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	fp "github.com/scim2/filter-parser/v2"

	"rollcall/scim/filter"
)

// Filter returns e in canonical form, ready to be compiled to a query:
//   - names are resolved as by [Type.Resolve], and carry a URN only for an extension;
//   - values are of the declared type: "True" for a boolean is true, a date is valid;
//   - a complex attribute without a sub-attribute means its value (emails eq "x");
//   - eq null and ne null are not pr and pr; the URN of an extension alone with pr is schemas eq.
//
// A comparison that the schemas do not allow is an InvalidFilter error. So is an attribute that is
// never returned: a client could find out its value by trial (RFC 7644 §7.5.2). Comparisons with an
// attribute under a URN without a schema stay as they are.
func (t *Type) Filter(e fp.Expression) (fp.Expression, error) {
	e, err := t.filter(e)
	if p := (*Error)(nil); errors.As(err, &p) {
		return nil, &Error{ScimType: InvalidFilter, Detail: p.Detail}
	}
	return e, err
}

func (t *Type) filter(e fp.Expression) (fp.Expression, error) {
	switch x := e.(type) {
	case *fp.ValuePath:
		p, err := t.find(x.AttributePath)
		if err != nil {
			return nil, err
		}
		inner, err := p.elements(x.ValueFilter)
		if err != nil {
			return nil, err
		}
		return &fp.ValuePath{AttributePath: p.attributePath(), ValueFilter: inner}, nil
	case *fp.AttributeExpression:
		p, err := t.valued(x.AttributePath)
		if err != nil {
			return nil, err
		}
		return p.comparison(x)
	}
	return mapOperands(e, t.filter)
}

// elements returns the filter of a value path on p in canonical form. Its attributes are the
// sub-attributes of p; the elements of a simple attribute are compared as "value".
func (p place) elements(e fp.Expression) (fp.Expression, error) {
	if p.attr == nil || p.sub != nil || !p.attr.multi && p.attr.kind != complexKind && p.attr.kind != untyped {
		return nil, fail(InvalidPath, "%s has no elements to filter", p.path())
	}
	if p.attr.secret {
		return nil, fail(InvalidPath, "%s cannot be filtered", p.path())
	}
	x, ok := e.(*fp.AttributeExpression)
	if !ok {
		return mapOperands(e, p.elements)
	}
	name := x.AttributePath.AttributeName
	element := place{scope: &scope{}}
	if simple := p.attr.kind != complexKind && p.attr.kind != untyped; simple && strings.EqualFold(name, "value") {
		value := *p.attr
		value.name, value.multi = "value", false
		element.attr = &value
	} else {
		element.attr = p.attr.sub(name)
	}
	if element.attr == nil || x.AttributePath.URIPrefix != nil || x.AttributePath.SubAttribute != nil {
		return nil, fail(InvalidPath, "%s has no sub-attribute %s", p.attr.path, quote(x.AttributePath.String()))
	}
	return element.comparison(x)
}

// mapOperands returns a logical expression with each of its operands changed.
func mapOperands(e fp.Expression, change func(fp.Expression) (fp.Expression, error)) (fp.Expression, error) {
	switch x := e.(type) {
	case *fp.LogicalExpression:
		left, err := change(x.Left)
		if err != nil {
			return nil, err
		}
		right, err := change(x.Right)
		if err != nil {
			return nil, err
		}
		return &fp.LogicalExpression{Left: left, Right: right, Operator: x.Operator}, nil
	case *fp.NotExpression:
		inner, err := change(x.Expression)
		if err != nil {
			return nil, err
		}
		return &fp.NotExpression{Expression: inner}, nil
	}
	return nil, fail(InvalidFilter, "brackets within brackets are not allowed")
}

// path returns the name of p for messages.
func (p place) path() string {
	switch {
	case p.sub != nil:
		return p.sub.path
	case p.attr != nil:
		return p.attr.path
	}
	return p.scope.urn
}

// attributePath returns p as a filter names it, with a URN only for an extension.
func (p place) attributePath() fp.AttributePath {
	path := fp.AttributePath{AttributeName: p.attr.name}
	if p.scope.urn != "" {
		path.URIPrefix = &p.scope.urn
	}
	if p.sub != nil {
		path.SubAttribute = &p.sub.name
	}
	return path
}

// comparison returns the comparison x of the attribute at p in canonical form.
func (p place) comparison(x *fp.AttributeExpression) (fp.Expression, error) {
	if p.attr == nil {
		if x.Operator != fp.PR {
			return nil, fail(InvalidFilter, "%s is a schema; compare one of its attributes", p.path())
		}
		schemas := fp.AttributePath{AttributeName: "schemas"}
		return &fp.AttributeExpression{AttributePath: schemas, Operator: fp.EQ, CompareValue: p.scope.urn}, nil
	}
	if p.attr.kind == complexKind && p.sub == nil && x.Operator != fp.PR && x.CompareValue != nil {
		// PingFederate matches users by emails eq "x".
		if p.sub = p.attr.subs["value"]; p.sub == nil {
			return nil, fail(InvalidFilter, "%s must be compared by one of its sub-attributes", p.path())
		}
	}
	leaf := p.attr
	if p.sub != nil {
		leaf = p.sub
	}
	if p.attr.secret || leaf.secret {
		return nil, fail(InvalidFilter, "%s cannot be filtered", p.path())
	}
	y := &fp.AttributeExpression{AttributePath: p.attributePath(), Operator: x.Operator}
	if word, ok := x.CompareValue.(filter.Word); ok {
		unquoted := *x
		if unquoted.CompareValue = leaf.word(word); unquoted.CompareValue == nil {
			return nil, fail(InvalidFilter, `%s must be compared with %s; text must be in double quotes`,
				leaf.path, leaf.kind)
		}
		x = &unquoted
	}
	switch {
	case x.Operator == fp.PR:
		return y, nil
	case x.CompareValue == nil && (x.Operator == fp.EQ || x.Operator == fp.NE):
		y.Operator = fp.PR
		if x.Operator == fp.EQ {
			return &fp.NotExpression{Expression: y}, nil
		}
		return y, nil
	}
	v, err := leaf.compared(x.Operator, x.CompareValue)
	y.CompareValue = v
	return y, err
}

// word returns what a value without quotes is: text where the attribute has text, else what the RFC
// has it mean, or nil for nothing.
func (a *attribute) word(w filter.Word) any {
	if a.kind == text {
		return w.Text
	}
	return w.Value
}

// ordered reports whether op compares by order.
func ordered(op fp.CompareOperator) bool {
	return op == fp.GT || op == fp.GE || op == fp.LT || op == fp.LE
}

// compared converts the value v of a comparison to the attribute's type.
func (a *attribute) compared(op fp.CompareOperator, v any) (any, error) {
	switch n := v.(type) {
	case nil:
		return nil, fail(InvalidFilter, "null can be compared by eq and ne only")
	case int:
		v = json.Number(strconv.Itoa(n))
	case float64:
		v = json.Number(strconv.FormatFloat(n, 'g', -1, 64))
	}
	partial := op == fp.CO || op == fp.SW || op == fp.EW
	ordered := ordered(op)
	switch a.kind {
	case untyped:
		if _, ok := v.(string); partial && !ok {
			return nil, fail(InvalidFilter, "%s compares strings only", op)
		}
		if _, ok := v.(bool); ordered && ok {
			return nil, fail(InvalidFilter, "%s does not compare true and false", op)
		}
	case boolean, binary: // RFC 7644 §3.4.2.2 allows no order of them.
		partial = partial || ordered
		fallthrough
	case integer, decimal, dateTime:
		if partial {
			return nil, fail(InvalidFilter, "%s cannot be compared by %s", a.path, op)
		}
	}
	c := v
	if a.kind != untyped {
		var ok bool
		if c, ok = a.kind.simple(v); !ok {
			return nil, fail(InvalidFilter, "%s must be compared with %s", a.path, a.kind)
		}
	}
	if n, ok := c.(json.Number); ok {
		if i, err := strconv.Atoi(n.String()); err == nil {
			return i, nil
		}
		f, _ := n.Float64() // in range: simple and the parser refuse any other
		return f, nil
	}
	return c, nil
}
