package scim

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	fp "github.com/scim2/filter-parser/v2"

	"rollcall/model/directory"
	"rollcall/model/requestlog"
	"rollcall/scim/filter"
	"rollcall/web"
)

// note adds a request and its answer to the directory's request log. The log is for the customer's
// IT and has no person's data: no body, and no value that the client sent elsewhere. A request
// whose token does not open the directory belongs to no directory, and is not in the log.
func (s *service) note(ctx context.Context, by *directory.Access, x *exchange, r *http.Request,
	a answer, err error, began time.Time) {
	if s.lines == nil {
		return
	}
	line := requestlog.Request{
		OrganizationID: by.Directory.OrganizationID, DirectoryID: by.Directory.ID,
		Method: methodName(r.Method), Path: x.pattern, ResourceID: x.id, Status: int64(a.status),
		TokenID: by.Token.ID, TokenName: by.Token.Name, TokenSuffix: by.Token.Suffix,
		RequestID: web.RequestID(ctx), Duration: s.limit.now().Sub(began).Microseconds(),
	}
	if line.Path == "" {
		line.Path = "/"
	}
	if a.location != "" {
		line.ResourceID = a.location[strings.LastIndexByte(a.location, '/')+1:]
	}
	if sent := x.parameters["filter"]; len(sent) > 0 {
		line.Filter = redactedFilter(sent[0])
	}
	if a.passedOver != nil {
		refused := refused(a.passedOver)
		line.ScimType, line.Detail = string(refused.ScimType), "active is false now; the rest was refused: "+
			redactedDetail(refused.Detail)
	}
	if err != nil {
		refused := refused(err)
		line.Status, line.ScimType = int64(refused.Status), string(refused.ScimType)
		if line.Detail = redactedDetail(refused.Detail); refused.Status == http.StatusInternalServerError {
			line.Detail = "" // the server's own log says why
		}
	}
	s.lines.Add(line)
}

// methodName is a method of HTTP. A method that a client made up is redacted.
func methodName(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
		http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return requestlog.Redacted
}

// redactedFilter is a filter with Redacted in place of each value. A filter that does not parse is
// redacted whole, since any part of it may be a value; the detail says where the parser stopped.
func redactedFilter(text string) string {
	e, err := filter.ParseLoose(text)
	if err != nil {
		return requestlog.Redacted
	}
	var b strings.Builder
	writeRedacted(&b, e)
	return address.ReplaceAllString(b.String(), requestlog.Redacted)
}

func writeRedacted(b *strings.Builder, e fp.Expression) {
	switch x := e.(type) {
	case *fp.AttributeExpression:
		b.WriteString(x.AttributePath.String() + " " + string(x.Operator))
		if x.Operator != fp.PR {
			b.WriteString(" " + requestlog.Redacted)
		}
	case *fp.ValuePath:
		b.WriteString(x.AttributePath.String() + "[")
		writeRedacted(b, x.ValueFilter)
		b.WriteByte(']')
	case *fp.NotExpression:
		b.WriteString("not (")
		writeRedacted(b, x.Expression)
		b.WriteByte(')')
	case *fp.LogicalExpression:
		writeTerm(b, x, x.Left)
		b.WriteString(" " + string(x.Operator) + " ")
		writeTerm(b, x, x.Right)
	}
}

// writeTerm writes a side of a logical expression, in parentheses if it is an "or" within an "and".
func writeTerm(b *strings.Builder, of *fp.LogicalExpression, e fp.Expression) {
	if l, ok := e.(*fp.LogicalExpression); ok && l.Operator == fp.OR && of.Operator == fp.AND {
		b.WriteByte('(')
		writeRedacted(b, e)
		b.WriteByte(')')
		return
	}
	writeRedacted(b, e)
}

var (
	// quoted finds what a detail quotes, with the word before it.
	quoted = regexp.MustCompile(`(?:\b(attribute|schema) )?"(?:[^"\\]|\\.)*"?`)
	// ownWords are the words that the server's own details quote.
	ownWords = regexp.MustCompile(`^"(?:and|or|add|replace|remove|values?|work|[)\]])"$`)
	// anID and aName are texts of clients that are no person's data: the id of a resource, and the
	// name of an attribute or schema, if the detail says that it is one.
	anID  = regexp.MustCompile(`^"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"$`)
	aName = regexp.MustCompile(`^"[A-Za-z$][\w$:.-]{0,200}"$`)
	// address finds what may be an e-mail address, in the URN of an undeclared schema.
	address = regexp.MustCompile(`\S*@\S*`)
)

// redactedDetail is the detail of an error with Redacted in place of the parts of the request that
// it repeats. By a rule of this package, details quote such parts.
func redactedDetail(detail string) string {
	detail = quoted.ReplaceAllStringFunc(detail, func(found string) string {
		word, text, named := strings.Cut(found, " ")
		if !named || strings.HasPrefix(found, `"`) {
			word, text, named = "", found, false
		}
		switch {
		case ownWords.MatchString(text), anID.MatchString(text), named && aName.MatchString(text):
			return found
		case named:
			return word + ` "` + requestlog.Redacted + `"`
		}
		return `"` + requestlog.Redacted + `"`
	})
	return address.ReplaceAllString(detail, requestlog.Redacted)
}
