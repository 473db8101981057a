package scim

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	fp "github.com/scim2/filter-parser/v2"

	"rollcall/model/search"
	"rollcall/scim/filter"
)

// The number of resources on a page (RFC 7644 §3.4.2.4).
const (
	defaultCount = 100
	maxCount     = 200
)

// parameters are the query parameters of a request, by their names in lower case: Microsoft's test
// collection sends startindex. Unknown names are ignored, since a parameter at the end of the
// configured base URL, such as Entra's aadOptscim062020, comes with every request.
type parameters map[string][]string

func parseParameters(query string) (parameters, error) {
	// A semicolon does not separate parameters: it is part of a value (RFC 3986 §3.4).
	values, err := url.ParseQuery(strings.ReplaceAll(query, ";", "%3B"))
	if err != nil {
		// ParseQuery leaves out what it cannot read. The client would take a list without its
		// filter for the users that match the filter.
		return nil, badParameter("the query of the URL is not percent-encoded as it should be")
	}
	p := make(parameters, len(values))
	for name, list := range values {
		p.add(name, list...)
	}
	return p, nil
}

func (p parameters) add(name string, values ...string) {
	name = strings.ToLower(name)
	p[name] = append(p[name], values...)
}

func badParameter(format string, args ...any) error {
	return &Refused{Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidValue,
		Detail: fmt.Sprintf(format, args...)}
}

// one returns the value of a parameter that may be sent once.
func (p parameters) one(name string) (string, error) {
	switch values := p[strings.ToLower(name)]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", badParameter("the parameter %s is there more than once", name)
}

// number returns the value of a parameter, or absent if there is none. A number that is too large
// for JSON to repeat exactly becomes the largest one that is not: neither has a page.
func (p parameters) number(name string, absent int) (int, error) {
	text, err := p.one(name)
	if err != nil || text == "" {
		return absent, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, badParameter("the parameter %s must be a whole number", name)
	}
	const most = 1 << 53
	return int(min(max(n, -most), most)), nil
}

// listQuery is what a list request asks for.
type listQuery struct {
	search.Query
	projection
	startIndex int // RFC 7644 §3.4.2.4: 1 is the first
}

// listQuery reads the parameters of a list of one type.
func (x *exchange) listQuery(t *resourceType) (listQuery, error) {
	q, cursor, err := x.pageQuery(t.Endpoint)
	if err != nil {
		return q, err
	}
	if cursor != nil {
		q.Cursor = &search.Cursor{Place: cursor.Place, Total: cursor.Total}
	}
	return q, x.ask(&q, t)
}

// pageQuery reads the parameters of the page, which are the same for all types.
func (x *exchange) pageQuery(endpoint string) (listQuery, *cursorText, error) {
	var q listQuery
	var err error
	if q.startIndex, err = x.parameters.number("startIndex", 1); err != nil {
		return q, nil, err
	}
	var bad error
	q.Limit, bad = x.parameters.number("count", defaultCount)
	cursor, err := x.cursor(endpoint)
	switch {
	case err != nil:
		return q, nil, err
	case cursor != nil && (bad != nil || q.Limit < 1):
		return q, nil, &Refused{Status: http.StatusBadRequest, ScimType: invalidCount,
			Detail: fmt.Sprintf("with a cursor, count is from 1 to %d", maxCount)}
	case bad != nil:
		return q, nil, bad
	}
	// By the RFC, a value below the least one means the least one.
	q.startIndex = max(q.startIndex, 1)
	q.Offset = q.startIndex - 1
	q.Limit = min(max(q.Limit, 0), maxCount)
	return q, cursor, nil
}

// asked is the filter and the order that a list request asks for, before they are read in the
// words of a type.
type asked struct {
	filter     fp.Expression // nil without
	sortBy     string        // empty without
	path       fp.Path       // of sortBy
	descending bool
}

// asked reads the parameters filter, sortBy and sortOrder (RFC 7644 §3.4.2).
func (x *exchange) asked() (asked, error) {
	var a asked
	text, err := x.parameters.one("filter")
	if err == nil && text != "" {
		parse := filter.ParseLoose
		if x.directory.Strict {
			parse = filter.Parse
		}
		a.filter, err = parse(text)
	}
	if err != nil {
		return a, err
	}
	if a.sortBy, err = x.parameters.one("sortBy"); err != nil {
		return a, err
	}
	direction, err := x.parameters.one("sortOrder")
	if err != nil {
		return a, err
	}
	a.descending = strings.EqualFold(direction, "descending")
	if !a.descending && direction != "" && !strings.EqualFold(direction, "ascending") {
		return a, badParameter("sortOrder is ascending or descending")
	}
	if a.sortBy == "" {
		return a, nil
	}
	if a.path, err = filter.ParsePath(a.sortBy); err != nil {
		return a, badParameter("sortBy: %s", err)
	}
	return a, nil
}

// ask reads filter, order and projection in the words of a type.
func (x *exchange) ask(q *listQuery, t *resourceType) error {
	a, err := x.asked()
	if err != nil {
		return err
	}
	if a.filter != nil {
		if q.Filter, err = t.attributes.Filter(a.filter); err != nil {
			return err
		}
	}
	if q.Sort, err = a.sort(t); err != nil {
		return err
	}
	x.show(q, t)
	return nil
}

// show makes a query return the attributes of each resource that the request asks for.
func (x *exchange) show(q *listQuery, t *resourceType) {
	q.Form, q.Base, q.projection = t.form, x.base, x.projection(t)
}

// sort is the order in the words of a type, nil where none is asked for (RFC 7644 §3.4.2.3).
func (a asked) sort(t *resourceType) (*search.Sort, error) {
	if a.sortBy == "" {
		return nil, nil
	}
	p, err := t.attributes.Resolve(a.path.AttributePath)
	if err != nil || a.path.ValueExpression != nil || p.Attribute == "" {
		return nil, badParameter("sortBy must name an attribute of %s; the schemas are at /Schemas", t.Name)
	}
	leaf := p.Declared
	if p.DeclaredSub != nil {
		leaf = p.DeclaredSub
	}
	if leaf != nil && leaf.Returned() == "never" { // the order would reveal its values (RFC 7644 §7.5.2)
		return nil, badParameter("%s cannot be sorted by", a.sortBy)
	}
	s := search.Sort{By: fp.AttributePath{AttributeName: p.Attribute}, Descending: a.descending}
	if p.URN != "" {
		s.By.URIPrefix = &p.URN
	}
	if p.SubAttribute != "" {
		s.By.SubAttribute = &p.SubAttribute
	}
	return &s, nil
}

// form returns how the schema has an attribute compared. Texts compare by case only if a schema
// says so. An undeclared extension has no schema, so that caseExact is false (RFC 7643 §2.2).
func (t *resourceType) form(path fp.AttributePath) search.Form {
	p, err := t.attributes.Resolve(path)
	if err != nil || p.Declared == nil {
		return search.Form{}
	}
	f := search.Form{MultiValued: p.Declared.MultiValued()}
	leaf := p.Declared
	if p.DeclaredSub != nil {
		leaf = p.DeclaredSub
		f.MultiValued = f.MultiValued || leaf.MultiValued()
	}
	switch leaf.AttributeType() {
	case "string", "reference", "binary":
		f.CaseExact = leaf.CaseExact()
	}
	return f
}

// projection returns which attributes of resources of the type the request asks for.
func (x *exchange) projection(t *resourceType) projection {
	return projection{
		only:   t.selection(x.parameters["attributes"]),
		except: t.selection(x.parameters["excludedattributes"]),
	}
}
