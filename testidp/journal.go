package testidp

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	maxOperations   = 50
	maxExchanges    = 300 // over all operations of an application
	maxShownRequest = 8 << 10
	maxShownAnswer  = 2 << 10
)

// Exchange is one request with its response, for reading: without the token and passwords. It is a
// SCIM request, unless ByBrowser is set.
type Exchange struct {
	At       time.Time     `json:"at"`
	Method   string        `json:"method"`
	Path     string        `json:"path"` // relative to the SCIM URL, the query in plain text
	Status   int           `json:"status"`
	Duration time.Duration `json:"duration_ns"`
	Request  string        `json:"request,omitempty"` // the body, at most 8 KiB of it
	Answer   string        `json:"answer,omitempty"`  // the body, at most 2 KiB of it
	Problem  string        `json:"problem,omitempty"` // why there is no usable response
	// ByBrowser is set for a sign-on that the browser completes. The application's response is not
	// known here.
	ByBrowser bool `json:"by_browser,omitempty"`
}

// Failed reports whether the request is known to have failed.
func (x Exchange) Failed() bool {
	return !x.ByBrowser && (x.Status < 200 || x.Status >= 300) || x.Problem != ""
}

// Operation is one operation of an application, with its exchanges.
type Operation struct {
	Number    int        `json:"number"` // counts from 1 in each application
	Title     string     `json:"title"`
	At        time.Time  `json:"at"`
	Exchanges []Exchange `json:"exchanges"`
	Problem   string     `json:"problem,omitempty"` // the error; empty for success
}

// Writes returns the exchanges that are not GET requests.
func (o Operation) Writes() []Exchange {
	return slices.DeleteFunc(slices.Clone(o.Exchanges), func(x Exchange) bool { return x.Method == "GET" })
}

// journal has the latest operations of an application, the newest last. The application's mutex
// guards it.
type journal struct {
	operations []*Operation
	count      int        // of all operations so far
	running    *Operation // the one that is sending SCIM requests, or nil
}

// begin adds an operation and makes it the running one.
func (j *journal) begin(title string, at time.Time) *Operation {
	j.count++
	o := &Operation{Number: j.count, Title: title, At: at}
	j.operations = append(j.operations, o)
	j.running = o
	j.trim()
	return o
}

// end ends the running operation.
func (j *journal) end() { j.running = nil }

// note adds an operation of one exchange. The running operation stays the running one.
func (j *journal) note(title string, x Exchange) {
	j.count++
	j.operations = append(j.operations, &Operation{Number: j.count, Title: title, At: x.At, Exchanges: []Exchange{x}})
	j.trim()
}

// add adds an exchange to the running operation.
func (j *journal) add(x Exchange) {
	if o := j.running; o != nil {
		o.Exchanges = append(o.Exchanges, x)
		if len(o.Exchanges) > maxExchanges {
			o.Exchanges = slices.Delete(o.Exchanges, 0, 1)
		}
		j.trim()
	}
}

// trim drops the oldest operations.
func (j *journal) trim() {
	total := 0
	for _, o := range j.operations {
		total += len(o.Exchanges)
	}
	for len(j.operations) > 1 && (len(j.operations) > maxOperations || total > maxExchanges) {
		total -= len(j.operations[0].Exchanges)
		j.operations = slices.Delete(j.operations, 0, 1)
	}
}

// copies returns the operations, the newest first.
func (j *journal) copies() []Operation {
	out := make([]Operation, 0, len(j.operations))
	for _, o := range slices.Backward(j.operations) {
		c := *o
		c.Exchanges = slices.Clone(o.Exchanges)
		out = append(out, c)
	}
	return out
}

var password = regexp.MustCompile(`(?i)("password"\s*:\s*)"(?:[^"\\]|\\.)*"`)

// show prepares a body for reading.
func (c *client) show(body []byte, limit int) string {
	if len(body) == 0 {
		return ""
	}
	var indented bytes.Buffer
	if json.Indent(&indented, body, "", "  ") == nil {
		body = indented.Bytes()
	}
	// Redact before cutting, or half a secret could remain at the end.
	return cut(c.redact(password.ReplaceAllString(string(body), `$1"(hidden)"`)), limit)
}

// cut shortens s to at most limit bytes, between characters, and adds an ellipsis.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + " …"
}
