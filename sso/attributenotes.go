package sso

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/model/connection"
	"rollcall/sso/saml"
)

// maxNoted is how many names of attributes a note lists.
const maxNoted = 20

// attributeNotes are the notes about attributes that the connection names and the assertion lacks,
// and about groups that did not fit into it. Package oidc makes those of its protocol itself.
func attributeNotes(conn *connection.Connection, a *saml.Assertion) (notes []string) {
	came := map[string]bool{}
	for name := range a.Attributes {
		came[strings.ToLower(name)] = true
	}
	if came[entraGroupsLink] {
		notes = append(notes, "The person has more groups than fit into the assertion, so it names none and those of "+
			"before were kept. In the enterprise app, Single sign-on, Attributes & Claims, group claim: choose groups "+
			"assigned to the application.")
	}
	named := map[string]string{"subject_attribute": conn.SubjectAttribute, "username_attribute": conn.UsernameAttribute}
	for member, name := range conn.AttributeMapping {
		named["attribute_mapping."+member] = name
	}
	for _, setting := range slices.Sorted(maps.Keys(named)) {
		name := named[setting]
		sent := came[strings.ToLower(name)]
		if setting == "subject_attribute" { // which is read letter by letter
			_, sent = a.Attributes[name]
		}
		if name == "" || sent || setting == "attribute_mapping.groups" && came[entraGroupsLink] {
			continue
		}
		notes = append(notes, fmt.Sprintf("An attribute that the connection names was not sent. Have the identity "+
			"provider send it, or correct its name. (%s names %q; these attributes came: %s)",
			setting, name, cmp.Or(listed(a.Attributes), "none")))
	}
	return notes
}

// listed names attributes in quotes.
func listed(attributes map[string][]string) string {
	names := slices.Sorted(maps.Keys(attributes))
	list := make([]string, 0, len(names))
	for _, name := range names[:min(len(names), maxNoted)] {
		list = append(list, `"`+name+`"`)
	}
	if len(names) > maxNoted {
		list = append(list, fmt.Sprintf("and %d more", len(names)-maxNoted))
	}
	return strings.Join(list, ", ")
}
