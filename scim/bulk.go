package scim

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	scimerrors "github.com/elimity-com/scim/errors"

	"rollcall/model"
	"rollcall/scim/jsontext"
	"rollcall/scim/patch"
	"rollcall/web"
)

// The limits of a bulk request, as /ServiceProviderConfig announces them. The size is that of any
// body, which web enforces.
const (
	maxBulkOperations = 1000
	maxBulkPayload    = 8 << 20
)

// bulkTime is how long a bulk request begins operations. Those that are left are answered 503: a
// client that times out first would not know which operations were carried out.
const bulkTime = 30 * time.Second

// bulk is one bulk request (RFC 7644 §3.7). Each of its operations is a request of its own, with
// its own transaction: an operation that fails undoes none of those before it.
type bulk struct {
	*exchange
	operations   []*bulkOperation
	byID         map[string]*bulkOperation // creates, by their bulkId
	failOnErrors int                       // the number of failures that ends the request; 0 for none
	failures     int
	until        time.Time
	gone         error // why no further operation is carried out: the token was deleted
}

// bulkOperation is one operation of a bulk request and what became of it.
type bulkOperation struct {
	method, bulkID, version string
	path                    []string // segments below the directory, decoded
	data                    string   // JSON
	problem                 error    // why the operation cannot be tried at all

	needs    []*bulkOperation // the creates that path and data refer to, each once
	settled  int              // how many of needs, from the first, were carried out
	missing  int              // how many of needs were not
	neededBy []*bulkOperation
	reached  bool     // whether its turn has come
	parted   bool     // references to resources that do not exist yet are left for later
	later    []string // those references, as operations of a PATCH

	id       string // of the resource, once it exists
	location string
	tag      string
	status   int // 0 until the operation was carried out
	response []byte
}

func (x *exchange) bulk(ctx context.Context) (answer, error) {
	b := bulk{exchange: x, byID: map[string]*bulkOperation{}}
	if err := b.parse(string(x.body)); err != nil {
		return answer{}, err
	}
	if wait := x.limit.wait(x.directory.ID, len(b.operations)-1); wait > 0 {
		return answer{}, x.tooFast(wait)
	}
	if err := x.contents.Confirm(ctx); err != nil {
		return answer{}, err
	}
	b.until = x.limit.now().Add(bulkTime)
	for _, o := range b.operations {
		if o.reached = true; o.missing == 0 {
			b.advance(ctx, o)
		}
	}
	// The operations that are left need one another in a circle, or need such an operation: RFC
	// 7644 §3.7.1 has circular references resolved where that is possible.
	for !b.ended(ctx) {
		o := b.circular()
		if o == nil {
			break
		}
		o.parted = true
		b.advance(ctx, o)
	}
	for _, o := range b.operations {
		if len(o.later) > 0 { // the request has ended between the create and its PATCH
			b.fail(ctx, o, refuse(http.StatusConflict,
				"the resource was created without what refers to others, before the request ended"))
		}
	}
	if b.failures > 0 {
		x.log.InfoContext(ctx, "SCIM bulk operations refused", "request", web.RequestID(ctx),
			"directory", model.DirectoryPrefix.ID(x.directory.ID), "count", b.failures)
	}
	return b.answer(), nil
}

// parse reads a bulk request. It is an error only if the request as a whole cannot be understood.
func (b *bulk) parse(body string) error {
	if !utf8.ValidString(body) || !json.Valid([]byte(body)) || strings.TrimLeft(body, " \t\r\n")[0] != '{' {
		return badBulk("the body is not a JSON object in UTF-8")
	}
	body = strings.TrimSpace(body)
	list := ""
	var schemas []string
	for name, value := range jsontext.Members(body) {
		switch strings.ToLower(jsontext.Unquote(name)) {
		case "operations":
			list = value
		case "schemas":
			schemas = texts(value)
		case "failonerrors":
			n, err := strconv.Atoi(value)
			if err != nil && value != "null" || n < 0 {
				return badBulk("failOnErrors must be a whole number, of the errors after which to stop")
			}
			b.failOnErrors = n
		}
	}
	other := b.announced("urn:ietf:params:scim:api:messages:2.0:BulkRequest", schemas)
	if other != nil && b.directory.Strict {
		return other
	}
	if !strings.HasPrefix(list, "[") {
		return badBulk("Operations must be a list of operations")
	}
	if err := b.parseOperations(list); err != nil {
		return err
	}
	if other != nil && !b.takesAway() {
		return other
	}
	for _, o := range b.operations {
		b.connect(o)
	}
	return nil
}

// takesAway returns whether the operations do nothing but take access away. No rule about the form
// of a request refuses those.
func (b *bulk) takesAway() bool {
	for _, o := range b.operations {
		t := b.users
		if len(o.path) > 0 && strings.EqualFold(o.path[0], "groups") {
			t = b.groups
		}
		if o.method != http.MethodDelete &&
			(o.method != http.MethodPatch || !patch.TakesAway([]byte(o.data), t.attributes)) {
			return false
		}
	}
	return len(b.operations) > 0
}

// parseOperations reads the list of operations.
func (b *bulk) parseOperations(list string) error {
	for text := range jsontext.Elements(list) {
		if len(b.operations) == maxBulkOperations {
			return &Refused{Status: http.StatusRequestEntityTooLarge, ScimType: scimerrors.ScimTypeTooMany,
				Detail: "the request has more than " + strconv.Itoa(maxBulkOperations) + " operations; split it"}
		}
		o := b.parseOperation(text)
		b.operations = append(b.operations, o)
		if o.bulkID == "" || o.method != http.MethodPost {
			continue
		}
		if b.byID[o.bulkID] != nil {
			return badBulk("two operations have the same bulkId; each needs its own")
		}
		b.byID[o.bulkID] = o
	}
	return nil
}

// texts are the strings of a list in JSON, or the one value that was sent instead of a list, unless
// it is empty.
func texts(value string) []string {
	switch {
	case value == "null", value == `""`:
		return nil
	case value[0] != '[':
		return []string{jsontext.Unquote(value)}
	}
	var list []string
	for e := range jsontext.Elements(value) {
		list = append(list, jsontext.Unquote(e))
	}
	return list
}

// connect notes which operations an operation refers to.
func (b *bulk) connect(o *bulkOperation) {
	seen := map[string]bool{}
	eachReference(o.path, o.data, func(id string) {
		if seen[id] || o.problem != nil {
			return
		}
		seen[id] = true
		of := b.byID[id]
		if of == nil {
			o.problem = badParameter("bulkId:%.64s is the bulkId of no POST of this request", id)
			return
		}
		o.needs = append(o.needs, of)
		of.neededBy = append(of.neededBy, o)
		o.missing++
	})
}

// parseOperation reads an operation. If it is wrong, it fails when its turn comes.
func (b *bulk) parseOperation(text string) *bulkOperation {
	o, path := &bulkOperation{}, ""
	if text[0] != '{' {
		o.problem = badBulk("an operation must be an object")
		return o
	}
	for name, value := range jsontext.Members(text) {
		switch strings.ToLower(jsontext.Unquote(name)) {
		case "method":
			o.method = strings.ToUpper(jsontext.Unquote(value))
		case "bulkid":
			if value[0] == '"' {
				o.bulkID = jsontext.Unquote(value)
			}
		case "path":
			path = jsontext.Unquote(value)
		case "version":
			if value[0] == '"' {
				o.version = jsontext.Unquote(value)
			}
		case "data":
			o.data = value
		}
	}
	if o.path, o.problem = b.below(path); o.problem != nil {
		return o
	}
	known := []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	switch {
	case !slices.Contains(known, o.method):
		o.problem = badBulk("the method of an operation is POST, PUT, PATCH or DELETE")
	case o.method != http.MethodDelete && !strings.HasPrefix(o.data, "{"):
		o.problem = badBulk(o.method + " needs data, an object")
	case o.method == http.MethodPost && o.bulkID == "":
		o.problem = badBulk("a POST needs a bulkId, a string that is not empty and is used once in the request")
	case o.method == http.MethodDelete:
		o.data = ""
	}
	return o
}

// below returns the segments of an operation's path below the directory. The path may be a whole
// URL of the directory, such as the location of a resource.
func (b *bulk) below(path string) ([]string, error) {
	path, _, _ = strings.Cut(path, "?")
	if rest, ok := strings.CutPrefix(path, b.url+"/"); ok {
		if id, below, _ := strings.Cut(rest, "/"); names(id, b.directory) {
			path = below
		}
	}
	return segments(path)
}

func badBulk(detail string) error {
	return &Refused{Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidSyntax, Detail: detail}
}

// ended returns whether no further operation begins.
func (b *bulk) ended(ctx context.Context) bool {
	return b.failOnErrors > 0 && b.failures >= b.failOnErrors || ctx.Err() != nil
}

// advance carries out an operation, and at once the earlier operations that needed it: they must
// not be lost when a later operation ends the request.
func (b *bulk) advance(ctx context.Context, o *bulkOperation) {
	for queue := []*bulkOperation{o}; len(queue) > 0 && !b.ended(ctx); queue = queue[1:] {
		o := queue[0]
		if o.status == 0 {
			b.first(ctx, o)
			for _, by := range o.neededBy {
				if by.missing--; by.missing == 0 && by.reached && by != o {
					queue = append(queue, by)
				}
			}
		}
		if o.missing == 0 && len(o.later) > 0 {
			b.second(ctx, o)
		}
	}
}

// circular returns an operation of a circle of operations that need each other, nil if none is
// left.
func (b *bulk) circular() *bulkOperation {
	for _, o := range b.operations {
		if o.status != 0 {
			continue
		}
		seen := map[*bulkOperation]bool{}
		for ; !seen[o]; o = o.needs[o.settled] {
			seen[o] = true
			for o.needs[o.settled].status != 0 {
				o.settled++
			}
		}
		return o
	}
	return nil
}

// answer is the BulkResponse. RFC 7644 §3.7 lets the resources themselves be left out of it.
func (b *bulk) answer() answer {
	const each = 200 // bytes of one without an error, roughly
	out := make([]byte, 0, each*(1+len(b.operations)))
	out = append(out, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],"Operations":[`...)
	first := true
	for _, o := range b.operations {
		if o.status == 0 {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = append(out, `{"method":`...)
		out = jsontext.AppendString(out, o.method)
		for _, m := range [][2]string{{"bulkId", o.bulkID}, {"location", o.location}, {"version", o.tag}} {
			if m[1] != "" {
				out = append(out, `,"`+m[0]+`":`...)
				out = jsontext.AppendString(out, m[1])
			}
		}
		out = append(out, `,"status":"`...)
		out = strconv.AppendInt(out, int64(o.status), 10)
		out = append(out, '"')
		if o.response != nil {
			out = append(out, `,"response":`...)
			out = append(out, o.response...)
		}
		out = append(out, '}')
	}
	return answer{status: http.StatusOK, body: append(out, "]}"...)}
}
