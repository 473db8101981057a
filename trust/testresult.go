package trust

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/guide"
	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/signon"
	"rollcall/model/testlogin"
)

// TestResult is a test login as a page shows it, by the template test-result of package web.
type TestResult struct {
	Result  testlogin.Result
	Verdict string // the sentence above all
	Tone    string // of the sentence: the class of its box
	Icon    string
	Advice  string // the first thing to mend; empty where nothing is
	Where   string // the identity provider's screen for it; often empty
	Stale   bool   // the connection was changed since
	Notes   []string
	Rows    []TestRow
	Would   string // what a real login would have done
	Gives   []TestGift
	// Attributes are all that came, as sent. Elsewhere is what identity providers show on their own
	// side, where nothing came.
	Attributes []TestAttribute
	Elsewhere  []guide.Shown
	Support    string // a text without personal values
	Again      string // the address that begins another test
	At         model.Time
}

// TestRow compares one thing that came with what was expected.
type TestRow struct {
	Name, Expected, Received string
	Verdict                  testlogin.Verdict
	Word, Tone               string // the chip's
}

// TestGift is what the person would have.
type TestGift struct{ Name, Value string }

// TestAttribute is an attribute as it was sent.
type TestAttribute struct {
	Name   string
	Values []string
}

// verdictWords are the chips of the verdicts: the word and its tone.
var verdictWords = map[testlogin.Verdict][2]string{testlogin.Fits: {"Fits", "ok"}, testlogin.Look: {"Look", "warn"},
	testlogin.Missing: {"Missing", "warn"}, testlogin.Wrong: {"Wrong", "bad"}}

// resultWords are the sentences of the results, each with its tone and its icon.
var resultWords = map[testlogin.Result][3]string{
	testlogin.Pending: {"Nothing has come back yet.", "info", "clock"},
	testlogin.Green:   {"It works: a login would sign this person in.", "ok", "circle-check"},
	testlogin.Amber: {"It works, and there is something to look at: a login would sign this person in.", "warn",
		"triangle-alert"},
	testlogin.Red: {"It does not work yet: a login would be refused.", "bad", "circle-x"},
}

// subjectNames are what the rows are called.
var subjectNames = map[testlogin.Subject]string{testlogin.Answered: "Answer", testlogin.Signature: "Signature",
	testlogin.Certificate: "Certificate", testlogin.Issuer: "Issuer", testlogin.Audience: "Audience",
	testlogin.Recipient: "Recipient", testlogin.Timing: "Time", testlogin.Person: "Person", testlogin.Email: "E-mail",
	testlogin.FirstName: "First name", testlogin.LastName: "Last name", testlogin.GroupsSent: "Groups",
	testlogin.Others: "Other attributes"}

// ExplainTest makes what a page shows of a test of a connection.
func ExplainTest(t *testlogin.Test, c *connection.Connection) TestResult {
	protocol := "saml"
	if c.OIDC() {
		protocol = "oidc"
	}
	words := resultWords[t.Result]
	r := TestResult{Result: t.Result, Verdict: words[0], Tone: words[1], Icon: words[2], At: t.CreatedAt,
		Again: "/sso/" + protocol + "/" + model.ConnectionPrefix.ID(c.ID) + "/test"}
	if t.Actor == "" {
		r.Again = strings.TrimSuffix(r.Again, "test") + "login"
	}
	if t.Report == nil {
		r.Elsewhere = shown(c)
		return r
	}
	r.Stale, r.Notes = !t.ByVersion(c), t.Report.Notes
	r.Advice, r.Where = Explain(Fault{t.Reason, t.Report.Expected, t.Report.Received}, c)
	if t.Reason == "" {
		r.Advice, r.Where = "", ""
	}
	for _, check := range t.Report.Checks {
		name := subjectNames[check.Subject]
		if check.Subject == testlogin.Certificate && c.OIDC() {
			name = "Key"
		}
		word := verdictWords[check.Verdict]
		r.Rows = append(r.Rows, TestRow{name, check.Expected, check.Received, check.Verdict, word[0], word[1]})
	}
	r.would(t)
	for _, name := range slices.Sorted(maps.Keys(t.Report.Attributes)) {
		r.Attributes = append(r.Attributes, TestAttribute{name, t.Report.Attributes[name]})
	}
	r.Support = support(t, c, &r)
	return r
}

// shown is what stops a person at the identity provider and is never sent here; all that is known
// where the identity provider is not.
func shown(c *connection.Connection) []guide.Shown {
	if provider, _ := guide.For(c.Type); provider != nil && len(provider.Shows) > 0 {
		return provider.Shows
	}
	var all []guide.Shown
	for i := range guide.Providers {
		all = append(all, guide.Providers[i].Shows...)
	}
	return all
}

// would describes what a real login would have done.
func (r *TestResult) would(t *testlogin.Test) {
	o := t.Report.Outcome
	switch signon.Match(o.How) {
	case signon.Known:
		r.Would = fmt.Sprintf("A login would sign in %s, who has signed in by this connection before.", o.Email)
	case signon.Linked:
		r.Would = fmt.Sprintf("A login would link to %s, who is there already.", o.Email)
	case signon.Created:
		r.Would = fmt.Sprintf("A login would create %s as a member.", o.Email)
	default:
		r.Would = "A login would be refused (" + t.Reason + ")."
		return
	}
	list := func(names []string) string {
		if len(names) == 0 {
			return "none"
		}
		return strings.Join(names, ", ")
	}
	r.Gives = []TestGift{{"Role", o.Role}, {"Licenses", list(o.Licenses)}}
	if len(o.Waiting) > 0 {
		r.Gives = append(r.Gives, TestGift{"Waits for a seat", list(o.Waiting)})
	}
	r.Gives = append(r.Gives, TestGift{"Groups", list(o.Groups)})
}

// support is a text to send to somebody who helps. It names attributes, and has no value of them.
func support(t *testlogin.Test, c *connection.Connection, r *TestResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Test login %s at %s\nConnection %s (%s)\nResult %s", testlogin.Prefix.ID(t.ID), t.CreatedAt,
		model.ConnectionPrefix.ID(c.ID), c.Type, t.Result)
	if t.Reason != "" {
		fmt.Fprintf(&b, ", %s", t.Reason)
	}
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "\n%s: %s", row.Name, row.Word)
	}
	if t.Reason == "" {
		fmt.Fprintf(&b, "\nA login: %s", t.Report.Outcome.How)
	}
	names := slices.Sorted(maps.Keys(t.Report.Attributes))
	fmt.Fprintf(&b, "\nAttributes: %s\n", strings.Join(names, ", "))
	return b.String()
}
