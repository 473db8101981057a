package scim_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/store"
)

// The files testdata/*/*.http are dialogues: the requests of an identity provider with their
// answers. They are tests, and documentation for developers of identity providers.
//
// Lines of ==== divide a file. The first part says in comments where the dialogue comes from, and
// has the headers of every request. Each other part is one exchange:
//
//	# What is special about this exchange.
//	PATCH /Users/$user                    the target is below the directory's URL, and unescaped:
//	Content-Type: application/json        characters that a URL must not contain are escaped
//
//	{"schemas": …}
//
//	----
//	200 OK
//	Location: $base/Users/$user           only the listed headers are compared
//
//	{"id": "$user", …}                    the complete answer; empty if there is no JSON here
//
// A word that begins with $ is a placeholder for a value, the same one in the whole file:
//
//	$base, $token     the directory's URL and its bearer token
//	"$name"           in an answer, any text, which is the value of $name from then on. No two
//	                  names have the same value.
//	"$time"           any moment in UTC with milliseconds
//	"$time:name"      any such moment, the same wherever the name is used. No two names have the
//	                  same moment: a second passes before each request.
//	"$text(a, b)"     any text that has a and b in it; "$text" any that is not empty
//
// The first of the schemas of an answer is the core one; the others come in any order.
type dialogue struct {
	file   string
	header http.Header
	turns  []turn
}

// turn is one exchange in the file of a dialogue.
type turn struct {
	line   int // of the request
	method string
	target string
	header http.Header
	body   string

	wantLine   int // of the answer
	wantStatus string
	wantHeader http.Header
	wantBody   string
}

// dialogueRows are the numbers of the requests of Okta and Entra ID that must each have a dialogue.
// Okta has no number 15, because it never deletes a user.
var dialogueRows = map[string]string{
	"okta":  "o01 o02 o03 o04 o05 o06 o07 o08 o09 o10 o11 o12 o13 o14 o16 o17 o18 o19 o20 o21",
	"entra": "e01 e02 e03 e04 e05 e06 e07 e08 e09 e10 e11 e12 e13 e14 e15 e16 e17 e18",
}

// dialogueTypes are the types of the vendors' directories.
var dialogueTypes = map[string]string{"okta": "okta scim v2.0", "entra": "azure scim v2.0", "rfc": "generic scim v2.0"}

func TestEveryRowHasADialogue(t *testing.T) {
	t.Parallel()
	for vendor, list := range dialogueRows {
		var have []string
		for _, file := range dialogueFiles(t, vendor) {
			row, _, _ := strings.Cut(filepath.Base(file), "_")
			have = append(have, row)
		}
		if diff := cmp.Diff(strings.Fields(list), have); diff != "" {
			t.Errorf("rows with a file in testdata/%s (-want +got):\n%s", vendor, diff)
		}
	}
}

func TestDialogues(t *testing.T) {
	t.Parallel()
	clock := modeltest.NewClock()
	modeltest.EachWith(t, store.Options{Now: clock.Now}, func(t *testing.T, store *store.Store) {
		for _, file := range dialogueFiles(t, "*") {
			t.Run(strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".http"), func(t *testing.T) {
				dialogue := readDialogue(t, file)
				d := deploy(t, store)
				id := d.organization("Northwind", "northwind.example")
				dialogue.play(t, d.clientOf(id, dialogueTypes[filepath.Base(filepath.Dir(file))]), clock)
				// Only one organization can have the domain at a time.
				if err := operator.In(store.Org(id, model.System)).DeleteOrganization(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

func dialogueFiles(t testing.TB, vendor string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", vendor, "*.http"))
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/%s holds no dialogue (%v)", vendor, err)
	}
	return files
}

// lines are the remaining lines of a file and the number of those that were read.
type lines struct {
	rest []string
	read int
}

func (l *lines) next() (string, bool) {
	if len(l.rest) == 0 {
		return "", false
	}
	line := l.rest[0]
	l.rest, l.read = l.rest[1:], l.read+1
	return line, true
}

// skip skips empty lines and comments.
func (l *lines) skip() {
	for len(l.rest) > 0 && (l.rest[0] == "" || strings.HasPrefix(l.rest[0], "#")) {
		l.next()
	}
}

// headers reads up to an empty line, or the end of the part.
func (l *lines) headers(into http.Header) error {
	for len(l.rest) > 0 && l.rest[0] != "----" && l.rest[0] != "====" {
		line, _ := l.next()
		if line == "" {
			return nil
		}
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			return fmt.Errorf("line %d: %q is not a header", l.read, line)
		}
		into.Set(name, value)
	}
	return nil
}

// text reads up to the line that ends the part.
func (l *lines) text(end string) string {
	var b strings.Builder
	for {
		line, ok := l.next()
		if !ok || line == end {
			return strings.TrimSpace(b.String())
		}
		b.WriteString(line + "\n")
	}
}

func readDialogue(t testing.TB, file string) *dialogue {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := &dialogue{file: file, header: http.Header{}}
	l := &lines{rest: strings.Split(string(content), "\n")}
	l.skip()
	if err := l.headers(d.header); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if rest := l.text("===="); rest != "" {
		t.Fatalf("%s: %q before the first exchange", file, rest)
	}
	for l.skip(); len(l.rest) > 0; l.skip() {
		e, err := l.turn()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		d.turns = append(d.turns, e)
	}
	// The last request must read, so that the effect of every write is compared.
	if n := len(d.turns); n < 2 || d.turns[n-1].method != http.MethodGet {
		t.Fatalf("%s: a dialogue has at least two exchanges and ends with a GET", file)
	}
	return d
}

// turn reads one exchange.
func (l *lines) turn() (turn, error) {
	e := turn{line: l.read + 1, header: http.Header{}, wantHeader: http.Header{}}
	request, _ := l.next()
	method, target, ok := strings.Cut(request, " ")
	if !ok || !strings.HasPrefix(target, "/") {
		return e, fmt.Errorf("line %d: %q is not a request", e.line, request)
	}
	e.method, e.target = method, target
	if err := l.headers(e.header); err != nil {
		return e, err
	}
	e.body = l.text("----")
	e.wantLine = l.read + 1
	e.wantStatus, _ = l.next()
	if err := l.headers(e.wantHeader); err != nil {
		return e, err
	}
	e.wantBody = l.text("====")
	if (e.wantBody != "") != (e.wantHeader.Get("Content-Type") != "") {
		return e, fmt.Errorf("line %d: an answer has a body and its Content-Type, or neither", e.wantLine)
	}
	return e, nil
}

// play sends the requests of the dialogue and compares the answers.
func (d *dialogue) play(t *testing.T, c *client, clock *modeltest.Clock) {
	v := &values{
		texts: map[string]string{"base": c.location, "token": c.token},
		times: map[string]string{},
	}
	for _, e := range d.turns {
		failed := func(line int, format string, args ...any) {
			t.Helper()
			t.Errorf("%s:%d: %s %s: %s", d.file, line, e.method, e.target, fmt.Sprintf(format, args...))
		}
		header := maps.Clone(d.header)
		maps.Copy(header, e.header)
		for name, list := range header {
			header[name] = []string{v.expand(list[0], asIs)}
		}
		target, body := escapeURL(v.expand(e.target, asIs)), v.expand(e.body, inJSON)
		if unknown := variable.FindString(strings.ReplaceAll(target+body, "$ref", "")); unknown != "" {
			failed(e.line, "no answer gave a value to %s", unknown)
			return
		}
		clock.Advance(time.Second)
		got := c.send(e.method, c.base+target, strings.NewReader(body), header)
		if status := fmt.Sprintf("%d %s", got.status, http.StatusText(got.status)); status != e.wantStatus {
			failed(e.wantLine, "status %s, want %s\n%s", status, e.wantStatus, got.text)
		}
		v.compare(e, got, failed)
	}
}
