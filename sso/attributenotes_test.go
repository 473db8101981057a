package sso_test

import (
	"strings"
	"testing"

	"github.com/beevik/etree"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/testidp"
)

// TestAttributeThatNobodySendsIsNoted: an attribute that the connection names and that is not there
// changes nothing in silence, whether the login succeeds or fails.
func TestAttributeThatNobodySendsIsNoted(t *testing.T) {
	t.Parallel()
	w := one(t)
	login := func(edit func(*etree.Element)) answer {
		b := w.browser()
		form := w.answer(t, b.get(w.authorize(w.tenant)), ada(w.tenant), testidp.ResponseOptions{Edit: edit})
		return b.post(w.sp(w.connection, "/acs"), form)
	}
	noted := func(want ...string) {
		t.Helper()
		attempts, _, err := signon.In(w.org).LoginAttempts(t.Context(), w.connection.ID, model.Page{Limit: 1})
		must(t, err)
		notes := strings.Join(attempts[0].Notes, "\n")
		for _, text := range want {
			if !strings.Contains(notes, text) {
				t.Errorf("the log notes %q, and not %q", notes, text)
			}
		}
		if len(want) == 0 && notes != "" {
			t.Errorf("the log notes %q", notes)
		}
	}
	login(nil).code(t)
	noted()
	w.update(w.tenant, func(c *connection.ConnectionFields) {
		c.AttributeMapping = map[string]string{"groups": "abteilungen"}
	})
	login(nil).code(t)
	noted(`attribute_mapping.groups names "abteilungen"`, "these attributes came: ")
	login(func(r *etree.Element) {
		statement := r.FindElement("//saml:AttributeStatement")
		link := statement.CreateElement("saml:Attribute")
		link.CreateAttr("Name", "http://schemas.microsoft.com/claims/groups.link")
		link.CreateElement("saml:AttributeValue").SetText("https://graph.example/me")
	}).code(t)
	noted("more groups than fit into the assertion")
	w.update(w.tenant, func(c *connection.ConnectionFields) { c.SubjectAttribute = "uid" })
	w.refused(w.tenant, login(nil), string(refusal.SubjectMissing))
	noted(`subject_attribute names "uid"`, `attribute_mapping.groups names "abteilungen"`)
}
