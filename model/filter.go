package model

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// The SQL in this file spans tables that GORM's predicate does not reach:
// every sub-select names the organization itself.

// ResourceQuery asks for the users or groups that a directory sees. Filter is
// nil for all; its attribute names are SCIM's canonical ones.
type ResourceQuery struct {
	Filter filter.Expression
	Offset int // how many to leave out
	Limit  int // how many at most; 0 only counts
}

// adoptable are the users that no directory owns and that one may take over:
// under a verified domain, and no unconfirmed administrator (identity.md, section 3).
func (o *Org) adoptable() clause.Expr {
	return clause.Expr{
		SQL: "users.directory_id IS NULL AND (users.role = ? OR users.adoption_confirmed = ?) AND " +
			o.store.dialect.in("users.email_domain", "SELECT domain FROM organization_domains WHERE organization_id = ? AND state = ?"),
		Vars: []any{Member, true, o.ID, DomainStateVerified},
	}
}

// DirectoryUsers lists the users of a directory in the order of their creation,
// and how many there are in all. Users whom the directory could adopt are shown
// only to a filter that names one exactly, so that no client that reconciles
// what it sees deletes them. It answers Invalid for what a filter cannot ask.
func (o *Org) DirectoryUsers(ctx context.Context, directoryID string, q ResourceQuery) ([]User, int, error) {
	db := o.read.WithContext(ctx).Model(&User{})
	if namesOne(q.Filter) {
		db = o.visible(db, directoryID)
	} else {
		db = db.Where("users.directory_id = ?", directoryID)
	}
	return resources[User](o, db, q, o.userLeaf)
}

// DirectoryGroups lists the groups of a directory, like DirectoryUsers.
func (o *Org) DirectoryGroups(ctx context.Context, directoryID string, q ResourceQuery) ([]DirectoryGroup, int, error) {
	db := o.read.WithContext(ctx).Model(&DirectoryGroup{}).Where("directory_groups.directory_id = ?", directoryID)
	return resources[DirectoryGroup](o, db, q, o.groupLeaf)
}

func resources[T any](o *Org, db *gorm.DB, q ResourceQuery, leaf leafCompiler) ([]T, int, error) {
	if q.Filter != nil {
		condition, err := compile(q.Filter, leaf)
		if err != nil {
			return nil, 0, err
		}
		db = db.Where(condition)
	}
	db = db.Session(&gorm.Session{})
	rows := []T{}
	if q.Limit > 0 {
		// One row more than wanted tells whether there is more to count.
		if err := db.Order("created_at, id").Offset(q.Offset).Limit(q.Limit + 1).Find(&rows).Error; err != nil {
			return nil, 0, o.store.translate(fmt.Errorf("list resources: %w", err))
		}
		if n := len(rows); n <= q.Limit && (n > 0 || q.Offset == 0) {
			return rows, q.Offset + n, nil
		}
		rows = rows[:min(len(rows), q.Limit)]
	}
	var total int64
	if err := db.Count(&total).Error; err != nil {
		return nil, 0, o.store.translate(fmt.Errorf("count resources: %w", err))
	}
	return rows, int(total), nil
}

// leafCompiler turns one comparison into SQL. For a value path, within holds the
// comparisons that one and the same value must satisfy.
type leafCompiler func(path filter.AttributePath, within []*filter.AttributeExpression) (clause.Expr, error)

// compile turns a filter into SQL with its values as parameters.
func compile(e filter.Expression, leaf leafCompiler) (clause.Expr, error) {
	switch x := e.(type) {
	case *filter.LogicalExpression:
		left, err := compile(x.Left, leaf)
		if err != nil {
			return clause.Expr{}, err
		}
		right, err := compile(x.Right, leaf)
		if err != nil {
			return clause.Expr{}, err
		}
		operator := " AND "
		if x.Operator == filter.OR {
			operator = " OR "
		}
		return clause.Expr{SQL: "(" + left.SQL + operator + right.SQL + ")", Vars: append(left.Vars, right.Vars...)}, nil
	case *filter.NotExpression:
		inner, err := compile(x.Expression, leaf)
		return clause.Expr{SQL: "NOT (" + inner.SQL + ")", Vars: inner.Vars}, err
	case *filter.AttributeExpression:
		return leaf(x.AttributePath, []*filter.AttributeExpression{{
			AttributePath: filter.AttributePath{AttributeName: "value", SubAttribute: x.AttributePath.SubAttribute},
			Operator:      x.Operator, CompareValue: x.CompareValue,
		}})
	case *filter.ValuePath:
		within, err := conjunction(x.ValueFilter)
		if err != nil {
			return clause.Expr{}, err
		}
		return leaf(x.AttributePath, within)
	}
	return clause.Expr{}, unsupported("this filter")
}

// conjunction flattens comparisons that are joined by and.
func conjunction(e filter.Expression) ([]*filter.AttributeExpression, error) {
	switch x := e.(type) {
	case *filter.AttributeExpression:
		return []*filter.AttributeExpression{x}, nil
	case *filter.LogicalExpression:
		if x.Operator != filter.AND {
			break
		}
		left, err := conjunction(x.Left)
		if err != nil {
			return nil, err
		}
		right, err := conjunction(x.Right)
		return append(left, right...), err
	}
	return nil, unsupported("or and not inside [ ]")
}

func unsupported(what string) error {
	return Invalidf("filter", "%s cannot be filtered on here; use eq on an identifying attribute, joined by and", what)
}

// comparison is how a stored column compares.
type comparison struct {
	column string
	exact  bool // as written; folded otherwise
	sparse bool // indexed where it is not empty; said again, or a prepared plan cannot use the index
}

// equal compiles column eq value.
func (c comparison) equal(e *filter.AttributeExpression) (clause.Expr, error) {
	if e.Operator != filter.EQ {
		return clause.Expr{}, unsupported(fmt.Sprintf("operator %q", e.Operator))
	}
	v, ok := e.CompareValue.(string)
	if !ok {
		return clause.Expr{}, Invalidf("filter", "the attribute is compared with a string in double quotes")
	}
	if !c.exact {
		v = Fold(v)
	}
	if v == "" || !storable(v) {
		return never(), nil // unassigned is absent, and absent equals nothing
	}
	query := c.column + " = ?"
	if c.sparse {
		query = "(" + query + " AND " + c.column + " <> '')"
	}
	return clause.Expr{SQL: query, Vars: []any{v}}, nil
}

// storable tells whether a text can be a value in either database.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func never() clause.Expr { return clause.Expr{SQL: "1 = 0"} }

func (o *Org) userLeaf(path filter.AttributePath, within []*filter.AttributeExpression) (clause.Expr, error) {
	name := path.AttributeName
	if path.URIPrefix != nil && name != "manager" {
		return clause.Expr{}, unsupported(path.String())
	}
	switch name {
	case "id":
		return single(path, within, comparison{column: "users.id", exact: true})
	case "userName":
		return single(path, within, comparison{column: "users.user_name_folded"})
	case "externalId":
		return single(path, within, comparison{column: "users.external_id", exact: true, sparse: true})
	case "displayName":
		return single(path, within, comparison{column: "users.display_name_folded"})
	case "active":
		active, ok := within[0].CompareValue.(bool)
		if len(within) != 1 || subAttribute(within[0].AttributePath) != "value" || within[0].Operator != filter.EQ || !ok {
			return clause.Expr{}, unsupported("active, other than eq true or eq false,")
		}
		return clause.Expr{SQL: "users.active = ?", Vars: []any{active}}, nil
	case "emails":
		return o.valueLeaf(emailsAttribute, within)
	case "phoneNumbers":
		return o.valueLeaf(phonesAttribute, within)
	case "manager":
		return o.valueLeaf(managerAttribute, within)
	}
	return clause.Expr{}, unsupported(path.String())
}

// single compiles a comparison of an attribute with one plain value.
func single(path filter.AttributePath, within []*filter.AttributeExpression, c comparison) (clause.Expr, error) {
	if len(within) != 1 || path.SubAttribute != nil || within[0].AttributePath.AttributeName != "value" {
		return clause.Expr{}, unsupported(path.String())
	}
	return c.equal(within[0])
}

// valueLeaf compiles comparisons that one value of a multi-valued attribute must all satisfy.
func (o *Org) valueLeaf(a valueAttribute, within []*filter.AttributeExpression) (clause.Expr, error) {
	query := "SELECT v.user_id FROM user_values v WHERE v.organization_id = ? AND v.attribute = ?"
	vars := []any{o.ID, a}
	for _, e := range within {
		var part clause.Expr
		var err error
		switch sub := subAttribute(e.AttributePath); sub {
		case "value":
			part, err = comparison{column: "v.value_folded"}.equal(e)
		case "type":
			part, err = comparison{column: "v.type_folded"}.equal(e)
		case "primary":
			b, ok := e.CompareValue.(bool)
			if !ok || e.Operator != filter.EQ {
				return clause.Expr{}, unsupported("primary, other than eq true or eq false,")
			}
			part = clause.Expr{SQL: "v.is_primary = ?", Vars: []any{b}}
		default:
			return clause.Expr{}, unsupported(a.String() + "." + sub)
		}
		if err != nil {
			return clause.Expr{}, err
		}
		query += " AND " + part.SQL
		vars = append(vars, part.Vars...)
	}
	return clause.Expr{SQL: o.store.dialect.in("users.id", query), Vars: vars}, nil
}

// subAttribute is the sub-attribute that a comparison within a value is about:
// emails.type within emails, type within emails[…].
func subAttribute(p filter.AttributePath) string {
	if p.SubAttribute != nil {
		return *p.SubAttribute
	}
	return p.AttributeName
}

func (o *Org) groupLeaf(path filter.AttributePath, within []*filter.AttributeExpression) (clause.Expr, error) {
	if path.URIPrefix != nil {
		return clause.Expr{}, unsupported(path.String())
	}
	switch path.AttributeName {
	case "id":
		return single(path, within, comparison{column: "directory_groups.id", exact: true})
	case "displayName":
		return single(path, within, comparison{column: "directory_groups.display_name_folded"})
	case "externalId":
		return single(path, within, comparison{column: "directory_groups.external_id", exact: true, sparse: true})
	case "members":
		if len(within) == 1 && subAttribute(within[0].AttributePath) == "value" {
			part, err := comparison{column: "m.user_id", exact: true}.equal(within[0])
			query := "SELECT m.group_id FROM directory_group_members m WHERE m.organization_id = ? AND " + part.SQL
			return clause.Expr{SQL: o.store.dialect.in("directory_groups.id", query), Vars: append([]any{o.ID}, part.Vars...)}, err
		}
	}
	return clause.Expr{}, unsupported(path.String())
}

// namesOne tells whether a filter can only match whom it names: an eq on
// userName, externalId or an e-mail address, alone or joined by and.
func namesOne(e filter.Expression) bool {
	switch x := e.(type) {
	case *filter.LogicalExpression:
		return x.Operator == filter.AND && (namesOne(x.Left) || namesOne(x.Right))
	case *filter.AttributeExpression:
		if x.Operator != filter.EQ {
			return false
		}
		switch x.AttributePath.AttributeName {
		case "userName", "externalId":
			return true
		case "emails":
			return x.AttributePath.SubAttribute == nil || *x.AttributePath.SubAttribute == "value"
		}
	case *filter.ValuePath:
		within, err := conjunction(x.ValueFilter)
		if err != nil || x.AttributePath.AttributeName != "emails" {
			return false
		}
		for _, w := range within {
			if w.AttributePath.AttributeName == "value" && w.Operator == filter.EQ {
				return true
			}
		}
	}
	return false
}
