package scim

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	fp "github.com/scim2/filter-parser/v2"

	"rollcall/model"
	"rollcall/scim/filter"
)

// The number of resources on a page (RFC 7644 §3.4.2.4).
const (
	defaultCount = 100
	maxCount     = 200
)

// parameters are the query parameters of a request, by their names in lower case: Microsoft's test
// collection sends startindex. Names that mean nothing here are tolerated, since a parameter at the
// end of the configured base URL, such as Entra's aadOptscim062020, comes with every request.
type parameters map[string][]string

func parseParameters(query string) (parameters, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		// ParseQuery leaves out what it cannot read. A list without its filter would be taken for
		// the users that match it.
		return nil, badParameter("the query of the URL is not percent-encoded as it should be")
	}
	p := make(parameters, len(values))
	for name, list := range values {
		name = strings.ToLower(name)
		p[name] = append(p[name], list...)
	}
	return p, nil
}

func badParameter(format string, args ...any) error {
	return &Refused{Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidValue, Detail: fmt.Sprintf(format, args...)}
}

// one returns the value of a parameter that may be there once.
func (p parameters) one(name string) (string, error) {
	switch values := p[strings.ToLower(name)]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", badParameter("the parameter %s is there more than once", name)
}

// number returns the value of a parameter, or absent where there is none.
func (p parameters) number(name string, absent int) (int, error) {
	text, err := p.one(name)
	if err != nil || text == "" {
		return absent, err
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, badParameter("the parameter %s must be a whole number", name)
	}
	return int(n), nil
}

// listQuery is what a list request asks for.
type listQuery struct {
	model.ResourceQuery
	projection
	startIndex int // RFC 7644 §3.4.2.4: 1 is the first
}

func (x *exchange) listQuery(t *resourceType) (listQuery, error) {
	var q listQuery
	var err error
	if q.startIndex, err = x.parameters.number("startIndex", 1); err != nil {
		return q, err
	}
	if q.Limit, err = x.parameters.number("count", defaultCount); err != nil {
		return q, err
	}
	// Values below the least one mean that one, by the RFC's words.
	q.startIndex = max(q.startIndex, 1)
	q.Offset = q.startIndex - 1
	q.Limit = min(max(q.Limit, 0), maxCount)
	text, err := x.parameters.one("filter")
	if err != nil {
		return q, err
	}
	if text != "" {
		parsed, err := filter.Parse(text)
		if err != nil {
			return q, err
		}
		if q.Filter, err = t.attributes.Filter(parsed); err != nil {
			return q, err
		}
	}
	q.Form, q.Base = t.form, x.base
	q.projection = x.projection(t)
	return q, nil
}

// form says how an attribute compares by its schema. Texts compare as they are only where a schema
// says so: that of an extension that nobody declared cannot (RFC 7643 §2.2: caseExact is false).
func (t *resourceType) form(path fp.AttributePath) model.Form {
	p, err := t.attributes.Resolve(path)
	if err != nil || p.Declared == nil {
		return model.Form{}
	}
	f := model.Form{MultiValued: p.Declared.MultiValued()}
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

// projection returns what the request wants to see of resources of the type.
func (x *exchange) projection(t *resourceType) projection {
	return projection{
		only:   t.selection(x.parameters["attributes"]),
		except: t.selection(x.parameters["excludedattributes"]),
	}
}
