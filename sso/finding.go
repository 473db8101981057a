package sso

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/testlogin"
	"rollcall/sso/saml"
	"rollcall/trust"
)

// finding is what a test found.
type finding struct {
	server    *Server
	conn      *connection.Connection
	login     *signon.Login
	in        *signon.SignIn    // nil for an answer that was not accepted
	seen      *saml.Sighting    // nil over OpenID Connect, and for what is no response
	rehearsed *signon.Rehearsal // nil where in is
	rejected  *rejection        // nil where a login would succeed
}

// answer is the finding as it is stored. err is why a login would be refused, or nil; any other
// error is returned.
func (f *finding) answer(ctx context.Context, err error) (*testlogin.Answer, error) {
	a := &testlogin.Answer{Connection: f.conn, Login: f.login, Result: testlogin.Green}
	if err != nil {
		r, ok := refusalOf(err, f.conn)
		if !ok {
			return nil, err
		}
		f.rejected, a.Result, a.Reason = &r, testlogin.Red, r.Reason
		a.Report.Expected, a.Report.Received, a.Report.Notes = r.Expected, r.Received, r.notes
	}
	if f.in != nil {
		a.AssertionID, a.ReplayUntil = f.in.AssertionID, f.in.ReplayUntil
	}
	if f.rehearsed != nil {
		a.Report.Attributes, a.Report.Groups = f.rehearsed.Claims.Attributes, f.rehearsed.Claims.Groups
		if err == nil {
			a.Report.Notes, a.Report.Outcome = f.rehearsed.Notes, f.outcome()
		}
	}
	domains, err := organization.In(f.server.org(f.conn)).Domains(ctx)
	if err != nil {
		return nil, err
	}
	a.Report.Checks = append(f.messageChecks(), f.personChecks(domains)...)
	odd := func(c testlogin.Check) bool { return c.Verdict != testlogin.Fits }
	if f.rejected == nil && (len(a.Report.Notes) > 0 || slices.ContainsFunc(a.Report.Checks, odd)) {
		a.Result = testlogin.Amber
	}
	return a, nil
}

// outcome is what a login would have done.
func (f *finding) outcome() testlogin.Outcome {
	r := f.rehearsed
	return testlogin.Outcome{How: string(r.How), Email: cmp.Or(r.User.Email, r.User.UserName),
		Role: string(r.User.Role), Licenses: r.Licenses, Waiting: r.Waiting, Groups: r.Groups}
}

// messageChecks compare the message with what was expected of it.
func (f *finding) messageChecks() (checks []testlogin.Check) {
	fault, _ := f.fault()
	for _, subject := range messageSubjects {
		if subject == testlogin.Answered && fault != subject {
			continue
		}
		c := testlogin.Check{Subject: subject, Expected: f.expected(subject), Received: f.received(subject)}
		switch {
		case f.in != nil:
			c.Verdict, c.Received = testlogin.Fits, cmp.Or(c.Received, "as expected")
		case subject == fault:
			c.Verdict, c.Expected = testlogin.Wrong, cmp.Or(f.rejected.Expected, c.Expected)
			if c.Received = cmp.Or(f.rejected.Received, c.Received); c.Received == "" || c.Received == "none" {
				c.Verdict = testlogin.Missing
			}
		default:
			c.Verdict = f.verdict(subject)
			c.Received = cmp.Or(c.Received, notReached[c.Verdict])
		}
		checks = append(checks, c)
	}
	return f.withExpiry(checks)
}

// notReached is what is shown of something of a refused answer that was not seen.
var notReached = map[testlogin.Verdict]string{testlogin.Fits: "as expected", testlogin.Missing: "not reached"}

// fault is what of the message is wrong. Where all is right but the person, last is true.
func (f *finding) fault() (subject testlogin.Subject, last bool) {
	if f.rejected == nil {
		return "", true
	}
	if subject, ok := faults[f.rejected.Reason]; ok {
		return subject, slices.Contains(lastFaults, f.rejected.Reason)
	}
	if f.in != nil {
		return testlogin.Person, true
	}
	return testlogin.Answered, false
}

// verdict is that of something in a refused answer which is not the fault itself.
func (f *finding) verdict(subject testlogin.Subject) testlogin.Verdict {
	fault, last := f.fault()
	order := samlOrder
	if f.conn.OIDC() {
		order = openIDOrder
	}
	place := func(subject testlogin.Subject) int {
		if i := slices.Index(order, subject); i >= 0 {
			return i
		}
		return len(order)
	}
	signed := subject == testlogin.Signature || subject == testlogin.Certificate
	if last || place(subject) < place(fault) || signed && slices.Contains(signedFaults, f.rejected.Reason) {
		return testlogin.Fits
	}
	if f.seen == nil {
		return testlogin.Missing
	}
	expected, came, right := f.expected(subject), false, false
	switch subject {
	case testlogin.Issuer:
		came, right = f.seen.Issuer != "", f.seen.Issuer == expected
	case testlogin.Audience:
		came, right = len(f.seen.Audiences) > 0, slices.Contains(f.seen.Audiences, expected)
	case testlogin.Recipient:
		other := func(r string) bool { return r != expected }
		came, right = len(f.seen.Recipients) > 0, !slices.ContainsFunc(f.seen.Recipients, other)
	case testlogin.Timing:
		_, right = f.clock()
		came = !f.seen.IssueInstant.IsZero()
	}
	switch {
	case right && came:
		return testlogin.Fits
	case came:
		return testlogin.Wrong
	}
	return testlogin.Missing
}

// withExpiry marks the certificate's row where a certificate outside its dates was accepted.
func (f *finding) withExpiry(checks []testlogin.Check) []testlogin.Check {
	if f.in == nil || f.conn.OIDC() {
		return checks
	}
	for _, w := range f.in.Attempt.Notes {
		for _, reason := range []saml.Reason{saml.CertificateExpired, saml.CertificateNotYet} {
			if !strings.HasPrefix(w, trust.Advice(string(reason), f.conn)) {
				continue
			}
			for i := range checks {
				if checks[i].Subject == testlogin.Certificate {
					checks[i].Verdict, checks[i].Received = testlogin.Look, w
				}
			}
		}
	}
	return checks
}

// clock describes the time of the answer, and tells whether the clocks agree well enough.
func (f *finding) clock() (text string, near bool) {
	if f.seen == nil || f.seen.IssueInstant.IsZero() {
		return "", false
	}
	at, now := f.seen.IssueInstant, f.server.Store.Now()
	text = at.UTC().Format(time.RFC3339)
	switch d := now.Sub(at).Round(time.Second); {
	case d < 0:
		text += fmt.Sprintf(", %s ahead of here", -d)
	default:
		text += fmt.Sprintf(", %s ago", d)
	}
	age := now.Sub(at)
	return text, age > -clockSkew && age < maxAnswerAge
}

// maxAnswerAge is how old a SAML answer may be, with both clocks' difference.
const maxAnswerAge = 5*time.Minute + clockSkew

// expected is what is expected of one thing.
func (f *finding) expected(subject testlogin.Subject) string {
	now := f.server.Store.Now().UTC().Format(time.RFC3339)
	if f.conn.OIDC() {
		return map[testlogin.Subject]string{
			testlogin.Signature:   "an ID token that the provider signed",
			testlogin.Certificate: "a key of the provider's key set",
			testlogin.Issuer:      f.conn.IDPEntityID, testlogin.Audience: f.conn.OIDCClientID,
			testlogin.Recipient: f.server.public("/sso/oidc/" + model.ConnectionPrefix.ID(f.conn.ID) + "/callback"),
			testlogin.Timing:    "a token that is valid at " + now,
		}[subject]
	}
	entityID, acs := "", ""
	if p, err := f.server.providers.Of(f.conn); err == nil {
		entityID, acs = p.SP.EntityID, p.SP.ACSURL
	}
	var known []string
	for _, c := range f.conn.Certificates(f.server.Store.Now()) {
		if c.Use == connection.ResponseSigning {
			known = append(known, c.Fingerprint)
		}
	}
	return map[testlogin.Subject]string{
		testlogin.Signature:   "a signature on the Response or the Assertion",
		testlogin.Certificate: strings.Join(known, " or "),
		testlogin.Issuer:      f.conn.IDPEntityID, testlogin.Audience: entityID, testlogin.Recipient: acs,
		testlogin.Timing: "an answer of the last minutes, where it is " + now,
	}[subject]
}

// received is what of one thing was seen; often empty.
func (f *finding) received(subject testlogin.Subject) string {
	if f.seen == nil {
		return ""
	}
	switch subject {
	case testlogin.Signature:
		if f.seen.Encrypted {
			return strings.Join(append(slices.Clone(f.seen.Signed), "encrypted Assertion"), ", ")
		}
		return strings.Join(f.seen.Signed, ", ")
	case testlogin.Certificate:
		return f.seen.Named
	case testlogin.Issuer:
		return f.seen.Issuer
	case testlogin.Audience:
		return strings.Join(f.seen.Audiences, ", ")
	case testlogin.Recipient:
		return strings.Join(slices.Compact(slices.Clone(f.seen.Recipients)), ", ")
	case testlogin.Timing:
		text, _ := f.clock()
		return text
	}
	return ""
}
