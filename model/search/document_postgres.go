package search

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// jsonPostgres compiles to SQL/JSON path. The path and its variables are parameters, so that all
// filters are the same statement.
func (c *compiler) jsonPostgres(forms forms, tree filter.Expression) (clause.Expr, error) {
	if forms.mixed {
		return c.jsonPostgresMixed(forms, tree)
	}
	at := forms.folded
	if forms.allExact {
		at = forms.exact
	}
	vars := map[string]any{}
	condition, err := jsonCondition(at, tree, vars)
	if err != nil {
		return clause.Expr{}, err
	}
	given, err := tenant.Encode(vars)
	if err != nil {
		return clause.Expr{}, err
	}
	return clause.Expr{
		SQL:  "jsonb_path_exists(" + at.json() + ", ?, ?)",
		Vars: []any{at.path() + "[*] ? (" + condition + ")", given},
	}, nil
}

// jsonPostgresMixed compiles to a sub-select over the elements of the attribute, as jsonSQLite
// does.
func (c *compiler) jsonPostgresMixed(forms forms, tree filter.Expression) (clause.Expr, error) {
	condition, err := c.within(filter.AttributePath{}, tree,
		func(_ filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
			at, row := forms.of(e)
			vars := map[string]any{}
			condition, err := jsonCondition(at, e, vars)
			if err != nil {
				return clause.Expr{}, err
			}
			given, err := tenant.Encode(vars)
			return tenant.Join("jsonb_path_exists("+row+".value, ", tenant.Param("$ ? ("+condition+")"), ", ",
				tenant.Param(given), "::jsonb)"), err
		})
	if err != nil {
		return clause.Expr{}, err
	}
	elements := func(at jsonAt, row string) clause.Expr {
		return tenant.Join("jsonb_array_elements(jsonb_path_query_array("+at.json()+", ", tenant.Param(at.path()+"[*]"),
			")) WITH ORDINALITY "+row+" (value, n)")
	}
	return tenant.Join("EXISTS (SELECT 1 FROM ", elements(forms.folded, "e"), " JOIN ", elements(forms.exact, "x"),
		" USING (n) WHERE ", c.scopedRow(), condition, ")"), nil
}

// jsonCondition returns a tree in the path language as a condition on the element @, and adds to
// vars.
func jsonCondition(at jsonAt, tree filter.Expression, vars map[string]any) (string, error) {
	switch x := tree.(type) {
	case *filter.LogicalExpression:
		left, err := jsonCondition(at, x.Left, vars)
		if err != nil {
			return "", err
		}
		right, err := jsonCondition(at, x.Right, vars)
		if x.Operator == filter.OR {
			return "(" + left + " || " + right + ")", err
		}
		return "(" + left + " && " + right + ")", err
	case *filter.NotExpression:
		inner, err := jsonCondition(at, x.Expression, vars)
		return "!(" + inner + ")", err
	case *filter.AttributeExpression:
		l, err := at.leaf(x)
		if err != nil {
			return "", err
		}
		return l.postgres(vars)
	}
	return "", model.Invalidf("filter", "brackets within brackets cannot be compared")
}

// postgres returns the comparison in the path language. exists() is always true or false, never
// unknown, whatever the types of the values are: so it can be negated.
func (l jsonLeaf) postgres(vars map[string]any) (string, error) {
	condition := ""
	name := fmt.Sprint("v", len(vars))
	text, _ := l.value.(string)
	switch l.op {
	case filter.PR: // null is unassigned (RFC 7643 §2.5)
		condition = " ? (@ != null)"
	case filter.CO:
		quoted, err := tenant.Encode(text)
		if err != nil {
			return "", err
		}
		condition = " ? (@ like_regex " + quoted + ` flag "q")`
	case filter.EW:
		quoted, err := tenant.Encode(regexp.QuoteMeta(text) + "$")
		if err != nil {
			return "", err
		}
		condition = " ? (@ like_regex " + quoted + ")"
	case filter.SW:
		vars[name] = l.value
		condition = " ? (@ starts with $" + name + ")"
	case filter.EQ, filter.NE:
		vars[name] = l.value
		condition = " ? (@ == $" + name + ")"
	default:
		vars[name] = l.value
		condition = " ? (@" + ordering(l.op) + "$" + name + ")"
	}
	var found []string
	for _, t := range l.targets {
		switch {
		case t != "":
			found = append(found, "exists(@"+member(t)+"[*]"+condition+")")
		case l.op == filter.PR && len(l.targets) > 1:
			found = append(found, `(@.type() != "object" && @ != null)`)
		default:
			found = append(found, "exists(@"+condition+")")
		}
	}
	either := "(" + strings.Join(found, " || ") + ")"
	if l.op == filter.NE {
		either = "!" + either
	}
	return either, nil
}
