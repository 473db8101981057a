package scim_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// longest is the limit for a request in this test. The machine may be busy.
const longest = 10 * time.Second

// front is a directory that receives arbitrary requests.
type front struct {
	*client
	user, group string
	strict      bool
}

// FuzzFront sends raw requests to servers on both databases. Each must answer within a limited time
// and never with an internal error. Errors must have the form of RFC 7644 §3.12, and both servers
// must give the same answer. $user, $group and $base are replaced by existing values.
func FuzzFront(f *testing.F) {
	seedFront(f)
	var fronts []*front
	for _, db := range []modeltest.Database{modeltest.SQLite(f), modeltest.Postgres(f)} {
		fronts = append(fronts, &front{client: newClient(f, modeltest.Open(f, db, store.Options{}))})
	}
	sent := 0
	f.Fuzz(func(t *testing.T, strict bool, method, target, header, body string) {
		var statuses []int
		for _, c := range fronts {
			c.deployment.t = t
			if sent%500 == 0 { // the resources of earlier requests make lists longer
				c.client = c.deployment.client(c.organization(fmt.Sprint("Northwind ", sent)))
				c.user, c.group, c.strict = "", "", false
			}
			c.furnish(t, strict, fmt.Sprint("front-", sent))
			if status := c.answer(t, method, target, header, body); status != 0 {
				statuses = append(statuses, status)
			}
		}
		sent++
		if len(slices.Compact(statuses)) > 1 {
			t.Errorf("%s %q %q %q: SQLite and PostgreSQL answer %d", method, target, header, body, statuses)
		}
	})
}

// seedFront adds every request of the dialogues, and some that are not valid.
func seedFront(f *testing.F) {
	for _, file := range dialogueFiles(f, "*") {
		d := readDialogue(f, file)
		for _, e := range d.turns {
			var header []string
			for _, h := range []http.Header{d.header, e.header} {
				for name, values := range h {
					if name != "Authorization" {
						header = append(header, name+": "+values[0])
					}
				}
			}
			slices.Sort(header)
			general := func(text string) string {
				return variable.ReplaceAllStringFunc(text, func(word string) string {
					switch {
					case word == "$base" || word == "$ref" || word == "$user":
						return word
					case strings.Contains(e.target+"/", "/Groups/"+word):
						return "$group"
					}
					return "$user"
				})
			}
			f.Add(false, e.method, escapeURL(general(e.target)), strings.Join(header, "\r\n"), general(e.body))
		}
	}
	for _, seed := range [][4]string{
		{"POST", "/Bulk", "Content-Type: application/scim+json",
			`{"failOnErrors":1,"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"a"}},` +
				`{"method":"PATCH","path":"/Groups/$group","data":{"Operations":[{"op":"add","path":"members",` +
				`"value":[{"value":"bulkId:a"}]}]}},{"method":"DELETE","path":"/Users/$user"}]}`},
		{"POST", "/Users/.search", "Content-Type: application/json",
			`{"filter":"userName pr","attributes":["userName"],"startIndex":1,"count":1e400}`},
		{"PUT", "/Users/$user", "If-Match: W/\"1\"\r\nContent-Type: application/scim+json",
			`{"schemas":["` + coreUser + `"],"userName":"\u0000","active":"maybe"}`},
		{"GET", "/Groups/$group?attributes=members.value&excludedAttributes=id", "If-None-Match: *", ""},
		{"GET", "/?filter=%00&count=-1&startIndex=99999999999999999999&cursor=%ff", "", ""},
		{"GET", "//users//?SORTBY=name&sortOrder=up;x", "Accept: text/html", ""},
		{"HEAD", "/Schemas/" + enterprise, "", ""}, {"OPTIONS", "/Me", "", ""},
		{"PATCH", "/Users/$user", "Content-Type: text/plain; charset=\"", "\xff\xfe{"},
		{"TRACE", "/ResourceTypes/User?filter=x", "", "{}"},
	} {
		f.Add(len(seed[3])%2 == 0, seed[0], seed[1], seed[2], seed[3])
	}
}

// furnish makes sure that a user and a group exist, and sets how strict the directory is.
func (c *front) furnish(t *testing.T, strict bool, name string) {
	t.Helper()
	set := func(on bool) {
		if c.strict == on {
			return
		}
		c.strict = on
		if _, err := directory.In(c.org).UpdateDirectory(t.Context(), c.directory.ID,
			func(d *directory.DirectoryFields) error {
				d.Strict = on
				return nil
			}); err != nil {
			t.Fatal(err)
		}
	}
	if c.user == "" || c.group == "" {
		set(false)
		c.user = c.create("/Users", strings.Replace(fullUser, `"ada"`, `"`+name+`"`, 1))
		c.group = c.client.group(name, c.user)
	}
	set(strict)
}

// answer sends a request and checks the answer. It returns 0 for a text that net/http does not
// accept as a request.
func (c *front) answer(t *testing.T, method, target, header, body string) int {
	t.Helper()
	words := strings.NewReplacer("$user", c.user, "$group", c.group, "$base", c.location)
	target, body = words.Replace(target), words.Replace(body)
	text := method + " " + c.base + target + " HTTP/1.1\r\nHost: rollcall.example\r\nAuthorization: Bearer " + c.token +
		"\r\n"
	if header = strings.TrimSpace(header); header != "" {
		text += words.Replace(header) + "\r\n"
	}
	r, err := http.ReadRequest(
		bufio.NewReader(strings.NewReader(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", text, len(body), body))))
	if err != nil {
		return 0
	}
	w := httptest.NewRecorder()
	began := time.Now()
	c.handler.ServeHTTP(w, r.WithContext(t.Context()))
	problem := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s\n\nanswered %d %s\n%s", text+"\r\n"+body, w.Code, w.Body, fmt.Sprintf(format, args...))
	}
	if took := time.Since(began); took > longest {
		problem("after %s", took)
	}
	if w.Code >= 500 && w.Code != http.StatusNotImplemented {
		problem("%s", c.log)
	}
	var answer struct {
		Status  string
		Schemas []string
		Detail  string
	}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			problem("%v", err)
		}
	}
	// The answer to HEAD has no body. A request may be refused before its directory is known.
	if w.Code >= 400 && strings.HasPrefix(r.URL.Path, c.base+"/") &&
		(answer.Status != fmt.Sprint(w.Code) || answer.Detail == "" ||
			!slices.Equal(answer.Schemas, []string{errorURN})) {
		problem("not the error of the RFC")
	}
	for _, gone := range []*string{&c.user, &c.group} {
		check := httptest.NewRequest(http.MethodGet, c.base+"/Users/"+*gone, nil)
		if gone == &c.group {
			check.URL.Path = c.base + "/Groups/" + *gone
		}
		check.Header.Set("Authorization", "Bearer "+c.token)
		there := httptest.NewRecorder()
		if method != http.MethodGet {
			if c.handler.ServeHTTP(there, check); there.Code != http.StatusOK {
				*gone = ""
			}
		}
	}
	return w.Code
}
