package scim

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"rollcall/model"
	"rollcall/scim/jsontext"
	"rollcall/web"
)

// first carries out an operation whose references are resolved, or parted.
func (b *bulk) first(ctx context.Context, o *bulkOperation) {
	data := o.data
	if o.parted {
		data, o.later = b.part(data)
	}
	a, err := b.carryOut(ctx, o, o.method, o.path, data, o.version)
	if err != nil {
		o.later = nil
		b.fail(ctx, o, err)
		return
	}
	o.status, o.tag = a.status, a.tag
	if o.method == http.MethodPost {
		o.location = a.location
		o.id = a.location[strings.LastIndexByte(a.location, '/')+1:]
	}
}

// second adds the references to other resources, which exist now, to a resource that was created
// without them.
func (b *bulk) second(ctx context.Context, o *bulkOperation) {
	data := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` +
		strings.Join(o.later, ",") + `]}`
	o.later = nil
	var a answer
	path, err := b.below(o.location)
	if err == nil {
		a, err = b.carryOut(ctx, o, http.MethodPatch, path, data, "")
	}
	if err != nil {
		incomplete := *refused(err)
		incomplete.Detail = "the resource was created without what refers to others: " + incomplete.Detail
		if incomplete.Status == http.StatusBadRequest {
			// RFC 7644 §3.7.1 has this for a circle that cannot be, such as groups in one another.
			incomplete.Status, incomplete.ScimType = http.StatusConflict, ""
		}
		b.fail(ctx, o, &incomplete)
		return
	}
	o.tag = a.tag
}

// carryOut has the handler of a single request carry out an operation, or a part of it.
func (b *bulk) carryOut(ctx context.Context, o *bulkOperation, method string, path []string,
	data, version string) (answer, error) {
	if err := cmp.Or(b.gone, o.problem); err != nil {
		return answer{}, err
	}
	if b.limit.now().After(b.until) {
		return answer{}, &model.Error{Kind: model.Busy,
			Message: "the bulk request has taken too long; send this operation again"}
	}
	for _, of := range o.needs {
		if of.status != 0 && of.id == "" {
			return answer{}, refuse(http.StatusConflict,
				"the operation with the bulkId %.64q made no resource to refer to", of.bulkID)
		}
	}
	resolve := func(bulkID string) (string, bool) {
		if of := b.byID[bulkID]; of != nil && of.id != "" {
			return of.id, true
		}
		return "", false
	}
	path = slices.Clone(path)
	for i, segment := range path {
		path[i] = replaceReference(segment, resolve)
	}
	route, id, err := b.route(path)
	if err != nil {
		return answer{}, err
	}
	resource := strings.TrimSuffix(route.pattern, "/:id")
	if resource != "/Users" && resource != "/Groups" || (method == http.MethodPost) != (id == "") {
		return answer{}, badBulk(
			"the path of an operation is /Users or /Groups with POST, and that of one resource otherwise")
	}
	handle, err := route.handler(method)
	if err != nil {
		return answer{}, err
	}
	x := *b.exchange
	x.contents = x.access.Contents(x.org) // the token may have been deleted since the last operation
	x.id, x.body, x.read = id, []byte(replaceReferences(data, resolve)), false
	x.conditions = conditions{match: version}
	x.parameters = parameters{"attributes": {"id"}} // the answer has no more of a resource
	if method != http.MethodPost {
		o.location = b.base + resource + "/" + url.PathEscape(id)
	}
	return b.confirmed(ctx, &x, handle)
}

// confirmed carries out an operation, and finds out whether one that failed has lost its token.
func (b *bulk) confirmed(ctx context.Context, x *exchange, handle handler) (answer, error) {
	a, err := x.inLane(ctx, handle)
	if err != nil {
		b.gone = x.contents.Confirm(ctx)
	}
	return a, cmp.Or(b.gone, err)
}

// fail records the error of an operation as the client of a single request would get it.
func (b *bulk) fail(ctx context.Context, o *bulkOperation, err error) {
	b.failures++
	r := refused(err)
	o.status, o.tag = r.Status, ""
	if r.Status == http.StatusInternalServerError {
		b.log.ErrorContext(ctx, "SCIM bulk operation failed", "request", web.RequestID(ctx), "error", err)
	}
	// An error that this package makes can always be written as JSON.
	o.response, _ = r.body(web.RequestID(ctx))
}

// part takes the references to resources that do not exist yet out of the data of a create, and
// returns them as operations of a PATCH.
func (b *bulk) part(data string) (rest string, later []string) {
	pending := func(value string) bool {
		found := false
		eachReference(nil, value, func(id string) {
			of := b.byID[id]
			found = found || of != nil && of.id == ""
		})
		return found
	}
	return partObject(data, "", pending)
}

// partObject is part for an object of attributes. prefix is empty, or the URN of their extension
// and a colon.
func partObject(object, prefix string, pending func(value string) bool) (rest string, later []string) {
	kept := []byte{'{'}
	add := func(name, value string) {
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(append(append(kept, name...), ':'), value...)
	}
	put := func(name, value string) {
		operation := jsontext.AppendString([]byte(`{"op":"add","path":`), prefix+jsontext.Unquote(name))
		later = append(later, string(operation)+`,"value":`+value+`}`)
	}
	for name, value := range jsontext.Members(object) {
		switch {
		case !pending(value):
			add(name, value)
		case prefix == "" && isURN(name) && value[0] == '{':
			inner, of := partObject(value, jsontext.Unquote(name)+":", pending)
			add(name, inner)
			later = append(later, of...)
		case value[0] == '[':
			var there, missing []string
			for e := range jsontext.Elements(value) {
				if pending(e) {
					missing = append(missing, e)
				} else {
					there = append(there, e)
				}
			}
			add(name, "["+strings.Join(there, ",")+"]")
			put(name, "["+strings.Join(missing, ",")+"]")
		default:
			put(name, value)
		}
	}
	return string(append(kept, '}')), later
}

// wholeReference begins a text that refers to the resource of another operation (RFC 7644 §3.7.2).
const wholeReference = "bulkId:"

// partialReference is a reference within a text: in a URL, or in the filter of a PATCH path.
var partialReference = regexp.MustCompile(`[/"]bulkId:[^/"\]]+`)

// replacing replaces partialReferences by the ids that resolve knows.
func replacing(resolve func(bulkID string) (string, bool)) func(string) string {
	return func(reference string) string {
		if id, ok := resolve(reference[1+len(wholeReference):]); ok {
			return reference[:1] + id
		}
		return reference
	}
}

// eachReference calls found with the bulkIds that a path and JSON data refer to.
func eachReference(path []string, data string, found func(bulkID string)) {
	note := func(id string) (string, bool) {
		found(id)
		return "", false
	}
	for _, segment := range path {
		replaceReference(segment, note)
	}
	replaceReferences(data, note)
}

// replaceReference returns the id that resolve knows in place of a text that is a reference.
func replaceReference(text string, resolve func(bulkID string) (string, bool)) string {
	if bulkID, whole := strings.CutPrefix(text, wholeReference); whole {
		if id, ok := resolve(bulkID); ok {
			return id
		}
	}
	return text
}

// replaceReferences returns JSON with the ids that resolve knows in place of references to them.
// The rest stays as it is written, since the order of members and the digits of numbers count.
func replaceReferences(data string, resolve func(bulkID string) (string, bool)) string {
	if !strings.Contains(data, wholeReference) {
		return data
	}
	replace := func(b []byte, quoted string) []byte {
		if !strings.Contains(quoted, wholeReference) {
			return append(b, quoted...)
		}
		text := jsontext.Unquote(quoted)
		replaced := replaceReference(text, resolve)
		if !strings.HasPrefix(text, wholeReference) {
			replaced = partialReference.ReplaceAllStringFunc(text, replacing(resolve))
		}
		if replaced == text {
			return append(b, quoted...)
		}
		return jsontext.AppendString(b, replaced)
	}
	return string(jsontext.AppendReplacing(make([]byte, 0, len(data)), data, replace))
}
