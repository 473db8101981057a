package sso_test

import (
	"testing"

	"github.com/beevik/etree"

	"rollcall/model"
	"rollcall/model/signon"
	"rollcall/sso/saml"
	"rollcall/testidp"
)

// TestComparedValuesAreQuoted: two texts that differ by a space at the end look the same without
// quotes.
func TestComparedValuesAreQuoted(t *testing.T) {
	t.Parallel()
	w := one(t)
	own, acs := w.sp(w.connection, "/metadata"), w.sp(w.connection, "/acs")
	set := func(path, text string) func(r *etree.Element) {
		return func(r *etree.Element) { r.FindElement(path).SetText(text) }
	}
	for reason, c := range map[saml.Reason]struct {
		change             func(r *etree.Element)
		expected, received string
	}{
		saml.WrongAudience: {set("//saml:Audience", own+"/"), `"` + own + `"`, `"` + own + `/"`},
		saml.WrongRecipient: {func(r *etree.Element) {
			r.FindElement("//saml:SubjectConfirmationData").CreateAttr("Recipient", acs+" ")
		}, `"` + acs + `"`, `"` + acs + ` "`},
		saml.WrongDestination: {func(r *etree.Element) { r.CreateAttr("Destination", acs+" ") }, `"` + acs + `"`,
			`"` + acs + ` "`},
	} {
		b := w.browser()
		form := w.answer(t, b.get(w.authorize(w.tenant)), ada(w.tenant), testidp.ResponseOptions{Edit: c.change})
		w.refused(w.tenant, b.post(acs, form), string(reason))
		attempts, _, err := signon.In(w.org).LoginAttempts(t.Context(), w.connection.ID, model.Page{Limit: 1})
		if must(t, err); attempts[0].Expected != c.expected || attempts[0].Received != c.received {
			t.Errorf("%s: %q and %q", reason, attempts[0].Expected, attempts[0].Received)
		}
	}
}
