package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// reference has the operations of reference-api.yaml and the schemas of their answers.
type reference struct {
	document   map[string]any
	compiling  sync.Mutex // compiler is not safe for concurrent use
	compiler   *jsonschema.Compiler
	operations []*operation
}

// operation is one method of one path of the reference.
type operation struct {
	method, template string
	path             *regexp.Regexp
	answers          map[int]string // the pointer to the schema of each 2xx; empty for an answer without a body
}

var loadReference = sync.OnceValues(func() (*reference, error) {
	text, err := os.ReadFile("testdata/reference-api.yaml")
	if err != nil {
		return nil, err
	}
	var parsed any
	if err := yaml.Unmarshal(text, &parsed); err != nil {
		return nil, err
	}
	text, err = json.Marshal(parsed)
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	compactRequired(document)
	r := &reference{document: document.(map[string]any), compiler: jsonschema.NewCompiler()}
	r.compiler.AssertFormat()
	if err := r.compiler.AddResource("reference.json", document); err != nil {
		return nil, err
	}
	parameter := regexp.MustCompile(`\{[^}]+\}`)
	for template, methods := range r.document["paths"].(map[string]any) {
		for method, o := range methods.(map[string]any) {
			op := &operation{method: strings.ToUpper(method), template: template, answers: map[int]string{}}
			op.path = regexp.MustCompile("^" + parameter.ReplaceAllString(template, "[^/]+") + "$")
			for code, answer := range o.(map[string]any)["responses"].(map[string]any) {
				status, err := strconv.Atoi(code)
				if err != nil || status >= 300 {
					continue
				}
				op.answers[status] = ""
				if answer.(map[string]any)["content"] != nil {
					escape := strings.NewReplacer("~", "~0", "/", "~1")
					op.answers[status] = fmt.Sprintf("/paths/%s/%s/responses/%s/content/application~1json/schema",
						escape.Replace(template), method, code)
				}
			}
			r.operations = append(r.operations, op)
		}
	}
	return r, nil
})

// compactRequired removes duplicates from the lists of required members. The reference has some,
// and JSON Schema does not allow them.
func compactRequired(value any) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			compactRequired(item)
		}
	case map[string]any:
		if names, ok := v["required"].([]any); ok {
			v["required"] = slices.CompactFunc(names, func(a, b any) bool { return a == b })
		}
		for _, member := range v {
			compactRequired(member)
		}
	}
}

// find returns the operation of a request, or nil for a route that Rollcall adds. If two templates
// match, it returns the one without a parameter.
func (r *reference) find(method, path string) *operation {
	var found *operation
	for _, o := range r.operations {
		if o.method == method && o.path.MatchString(path) && (found == nil || len(o.template) > len(found.template)) {
			found = o
		}
	}
	return found
}

// check returns how a 2xx answer differs from the reference.
func (r *reference) check(o *operation, status int, body []byte) error {
	pointer, ok := o.answers[status]
	if !ok {
		return fmt.Errorf("%s %s has no answer %d in the reference", o.method, o.template, status)
	}
	if pointer == "" {
		if len(body) > 0 {
			return fmt.Errorf("%s %s answers %d with a body, the reference without", o.method, o.template, status)
		}
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s %s: %w", o.method, o.template, err)
	}
	if o.template == "/events" {
		return r.checkEvents(pointer, value.(map[string]any))
	}
	return r.checkValue(pointer, value, "")
}

func (r *reference) checkValue(pointer string, value any, name string) error {
	r.compiling.Lock()
	schema, err := r.compiler.Compile("reference.json#" + pointer)
	r.compiling.Unlock()
	if err != nil {
		return err
	}
	if err := schema.Validate(value); err != nil {
		return err
	}
	if added := r.unknown(r.at(pointer), value, name); len(added) > 0 {
		return fmt.Errorf("members that the reference does not know: %s", strings.Join(added, ", "))
	}
	return nil
}

// checkEvents checks each event against the schema of its type. The reference does not have
// Rollcall's own types. Those must be events with any data.
func (r *reference) checkEvents(list string, page map[string]any) error {
	const event = "/components/schemas/EventSchema/allOf/"
	variants := r.at(event + "1/oneOf").([]any)
	events := page["data"].([]any)
	envelope := maps.Clone(page)
	envelope["data"] = []any{}
	if err := r.checkValue(list, envelope, ""); err != nil {
		return err
	}
	var problems []error
	for _, e := range events {
		kind, _ := e.(map[string]any)["event"].(string)
		pointer := event + "0"
		for i, v := range variants {
			if v.(map[string]any)["properties"].(map[string]any)["event"].(map[string]any)["const"] == kind {
				pointer = fmt.Sprintf("%s1/oneOf/%d", event, i)
			}
		}
		if err := r.checkValue(pointer, e, kind); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", kind, err))
		}
	}
	return errors.Join(problems...)
}

// at is the value at a JSON pointer.
func (r *reference) at(pointer string) any {
	var value any = r.document
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		if list, ok := value.([]any); ok {
			i, _ := strconv.Atoi(part)
			value = list[i]
		} else {
			value = value.(map[string]any)[part]
		}
	}
	return value
}

// additions are the members that Rollcall adds to the reference's objects on purpose. The members
// of events begin with the type of the event.
var additions = regexp.MustCompile(`^(` + strings.Join([]string{
	`(\.data\[\])?\.scim`,     // of a directory
	`(\.data\[\])?\.rollcall`, // an organization's slug and settings
	// of a connection
	`(\.data\[\])?\.(allow_idp_initiated|application_id|subject_attribute|username_attribute|trust_email|` +
		`reauthentication|logout|accounts|attribute_mapping|saml|external_id|activate_on_first_login)`,
	`organization\.\w+\.data\.(rollcall|allow_profiles_outside_organization)`,
	`\.list_metadata\.before`, // of events, where the reference has only after
	`dsync\.token\.\w+\.data\.(name|expires_at|last_used_at)`,
	`dsync\.deleted\.data\.external_key`,
	`connection\.deleted\.data\.(status|domains)`,
	`connection\.saml_certificate_\w+\.data\.certificate\.(fingerprint_sha256|subject)`,
	`dsync\.activated\.data\.domains\[\]\.\w+`, // complete domains
}, "|") + `)$`)

// unknown lists the members of a value that its schema does not have. Validation alone would accept
// a misspelled optional member.
func (r *reference) unknown(schema, value any, path string) []string {
	s, ok := schema.(map[string]any)
	if !ok {
		return nil
	}
	if ref, ok := s["$ref"].(string); ok {
		return r.unknown(r.at(strings.TrimPrefix(ref, "#")), value, path)
	}
	var found []string
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			found = append(found, r.unknown(s["items"], item, path+"[]")...)
		}
	case map[string]any:
		properties, ok := s["properties"].(map[string]any)
		if !ok {
			return nil
		}
		for name, member := range v {
			known, ok := properties[name]
			if !ok && !additions.MatchString(path+"."+name) {
				found = append(found, path+"."+name)
			}
			found = append(found, r.unknown(known, member, path+"."+name)...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// contract is a transport that checks every answer against the reference.
type contract struct {
	t         *testing.T
	reference *reference
	mu        sync.Mutex
	seen      map[string]bool // operations of the reference that were answered with a 2xx
}

func newContract(t *testing.T) *contract {
	t.Helper()
	r, err := loadReference()
	if err != nil {
		t.Fatal(err)
	}
	return &contract{t: t, reference: r, seen: map[string]bool{}}
}

func (c *contract) RoundTrip(r *http.Request) (*http.Response, error) {
	w, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(w.Body)
	if err != nil {
		return nil, err
	}
	_ = w.Body.Close()
	w.Body = io.NopCloser(bytes.NewReader(body))
	name := r.Method + " " + r.URL.Path
	if w.StatusCode >= 400 {
		checkError(c.t, name, body)
		return w, nil
	}
	if len(body) > 0 && w.Header.Get("Content-Type") != "application/json" {
		c.t.Errorf("%s: Content-Type %q", name, w.Header.Get("Content-Type"))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.reference.find(r.Method, r.URL.EscapedPath()); o != nil {
		c.seen[o.method+" "+o.template] = true
		if err := c.reference.check(o, w.StatusCode, body); err != nil {
			c.t.Errorf("%s: %v\n%.2000s", name, err, body)
		}
	}
	return w, nil
}

// checkError expects the API's error object without internal text.
func checkError(t *testing.T, name string, body []byte) {
	t.Helper()
	var e struct {
		Message *string
		Code    *string
		Errors  *[]struct{ Field, Code, Message *string }
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(&e)
	if err != nil || e.Message == nil || *e.Message == "" || e.Code == nil || *e.Code == "" || e.Errors == nil {
		t.Errorf("%s: not an error of the API: %v\n%s", name, err, body)
		return
	}
	for _, p := range *e.Errors {
		if p.Field == nil || p.Code == nil || p.Message == nil || *p.Message == "" {
			t.Errorf("%s: an entry of errors lacks a member: %s", name, body)
		} else if known := []string{"required", "taken", "unknown_event_type",
			"invalid_" + strings.ReplaceAll(*p.Field, ".", "_")}; !slices.Contains(known, *p.Code) {
			t.Errorf("%s: an entry of errors has the code %q: %s", name, *p.Code, body)
		}
	}
	for _, internal := range []string{"SQL", "sql:", "model.", "json:", "gorm", "api.", "rollcall/"} {
		if strings.Contains(string(body), internal) {
			t.Errorf("%s: the error tells internals: %s", name, body)
		}
	}
}
