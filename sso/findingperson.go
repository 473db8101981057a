package sso

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/testlogin"
)

// claims are what the answer says of the person, whether or not it was accepted.
func (f *finding) claims() (claims signon.Claims) {
	switch {
	case f.rehearsed != nil:
		return f.rehearsed.Claims
	case f.in != nil:
		return f.in.Claims
	case f.seen != nil:
		claims, _ = claimsOf(f.conn, &f.seen.Assertion)
	}
	return claims
}

// personChecks compare what the answer says of the person with what was expected.
func (f *finding) personChecks(domains []organization.Domain) []testlogin.Check {
	c := f.claims()
	checks := []testlogin.Check{
		f.subjectCheck(c), f.emailCheck(c, domains),
		nameCheck(testlogin.FirstName, "the person's first name", c.FirstName),
		nameCheck(testlogin.LastName, "the person's last name", c.LastName),
		groupsCheck(c), othersCheck(c),
	}
	if f.in != nil || f.seen != nil && f.seen.Asserted {
		return checks
	}
	for i := range checks {
		if checks[i].Verdict != testlogin.Wrong {
			checks[i].Verdict, checks[i].Received = testlogin.Missing, notReached[testlogin.Missing]
		}
	}
	return checks
}

// subjectCheck is about what names the person for good.
func (f *finding) subjectCheck(c signon.Claims) testlogin.Check {
	out := testlogin.Check{Subject: testlogin.Person, Expected: "a NameID that stays the same", Received: c.Subject}
	switch {
	case f.conn.OIDC():
		out.Expected = "the claim sub"
	case f.conn.SubjectAttribute != "":
		out.Expected = fmt.Sprintf("one value of the attribute %q", f.conn.SubjectAttribute)
	case c.NameIDFormat != "":
		out.Received += " (format " + c.NameIDFormat + ")"
	}
	fault, _ := f.fault()
	switch {
	case fault == testlogin.Person && f.in == nil:
		out.Verdict, out.Expected = testlogin.Wrong, cmp.Or(f.rejected.Expected, out.Expected)
		out.Received = cmp.Or(f.rejected.Received, out.Received)
	case c.Subject == "":
		out.Verdict, out.Received = testlogin.Missing, notReached[testlogin.Missing]
	default:
		out.Verdict = testlogin.Fits
	}
	return out
}

// emailCauses are the causes of a refusal that the e-mail address is the reason of.
var emailCauses = []string{string(refusal.CauseUnverified), string(refusal.CauseNoEmail), string(refusal.CauseDomain)}

// emailCheck is about the e-mail address, which counts under a verified domain only.
func (f *finding) emailCheck(c signon.Claims, domains []organization.Domain) testlogin.Check {
	out := testlogin.Check{Subject: testlogin.Email, Expected: "an e-mail address", Received: c.Email,
		Verdict: testlogin.Fits}
	var verified []string
	for _, d := range domains {
		if d.State == organization.DomainStateVerified {
			verified = append(verified, d.Domain)
		}
	}
	if len(verified) > 0 {
		slices.Sort(verified)
		out.Expected += " under " + strings.Join(verified, " or ")
	}
	_, domain := model.FoldEmail(c.Email)
	switch {
	case c.Email == "":
		out.Verdict, out.Received = testlogin.Missing, "none"
	case !organization.UnderVerified(domains, domain):
		out.Verdict, out.Received = testlogin.Look, c.Email+", under no verified domain"
	case !c.EmailVerified:
		out.Verdict, out.Received = testlogin.Look, c.Email+", which the provider does not call verified"
	}
	if f.rejected != nil && f.in != nil && out.Verdict == testlogin.Look &&
		slices.Contains(emailCauses, f.rejected.Expected) {
		out.Verdict = testlogin.Wrong
	}
	return out
}

func nameCheck(subject testlogin.Subject, expected, received string) testlogin.Check {
	if received == "" {
		return testlogin.Check{Subject: subject, Expected: expected, Received: "none", Verdict: testlogin.Missing}
	}
	return testlogin.Check{Subject: subject, Expected: expected, Received: received, Verdict: testlogin.Fits}
}

// groupsCheck is about the groups. An answer without them keeps those of before.
func groupsCheck(c signon.Claims) testlogin.Check {
	out := testlogin.Check{Subject: testlogin.GroupsSent,
		Expected: "the person's groups, if groups give something here",
		Received: fmt.Sprintf("%d: %s", len(c.Groups), few(c.Groups)), Verdict: testlogin.Fits}
	switch {
	case !c.GroupsSent:
		out.Received, out.Verdict = "none sent", testlogin.Missing
	case len(c.Groups) == 0:
		out.Received, out.Verdict = "an empty list", testlogin.Look
	}
	return out
}

// othersCheck names all attributes that came.
func othersCheck(c signon.Claims) testlogin.Check {
	names := slices.Sorted(maps.Keys(c.Attributes))
	return testlogin.Check{Subject: testlogin.Others, Expected: "anything: all are kept with the person's identity",
		Received: cmp.Or(few(names), "none"), Verdict: testlogin.Fits}
}

// few lists at most maxNoted texts.
func few(list []string) string {
	text := strings.Join(list[:min(len(list), maxNoted)], ", ")
	if len(list) > maxNoted {
		text += fmt.Sprintf(", and %d more", len(list)-maxNoted)
	}
	return text
}
