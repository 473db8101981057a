package patch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/elimity-com/scim/schema"
	fp "github.com/scim2/filter-parser/v2"

	"rollcall/scim/filter"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ filter, want string }{
		{`USERNAME EQ "B"`, `userName eq "B"`},
		{`id eq "U1" and externalid eq "e"`, `id eq "U1" and externalId eq "e"`},
		{`name.FAMILYNAME eq "jensen"`, `name.familyName eq "jensen"`},
		{`(userName eq "x2" or title pr) and not (displayName eq "n")`,
			`(userName eq "x2" or title pr) and not(displayName eq "n")`},
		{`active eq "True"`, `active eq true`},
		{`active eq "false"`, `active eq false`},
		{`active eq True`, `active eq true`},
		{`active eq "yes"`, `active must be compared with true or false`},
		{`active eq 1`, `active must be compared with true or false`},
		{`active gt true`, `active cannot be compared by gt`},
		{`active co "t"`, `active cannot be compared by co`},
		{`userName eq true`, `userName must be compared with a string`},
		{`userName eq 5`, `userName must be compared with a string`},
		{`title eq null`, `not(title pr)`},
		{`title ne null`, `title pr`},
		{`title gt null`, `null can be compared by eq and ne only`},
		{`title eq ""`, `title eq ""`},
		{`name eq null`, `not(name pr)`},
		{`name pr`, `name pr`},
		{`name eq "x"`, `name must be compared by one of its sub-attributes`},
		{`name.nope eq "x"`, `name has no sub-attribute "nope"`},
		{`userName.nope eq "x"`, `userName has no sub-attribute "nope"`},
		{`nope eq "x"`, `there is no attribute "nope"; the schemas are at /Schemas`},
		{`nope[x eq "y"]`, `there is no attribute "nope"; the schemas are at /Schemas`},
		{`emails[nope eq "x"]`, `emails has no sub-attribute "nope"`},
		{`emails[urn:x:value eq "x"]`, `emails has no sub-attribute "urn:x:value"`},
		{`emails eq "b@work.com"`, `emails.value eq "b@work.com"`},
		{`emails co "work.com"`, `emails.value co "work.com"`},
		{`emails.Value eq "b"`, `emails.value eq "b"`},
		{`EMAILS[TYPE eq "work"].VALUE eq "x"`, `emails[type eq "work" and value eq "x"]`},
		{`emails[type eq "w" or not (primary eq "true") and value pr]`,
			`emails[type eq "w" or not(primary eq true) and value pr]`},
		{`emails[primary eq "x"]`, `emails.primary must be compared with true or false`},
		{`A:badges.Value eq "x"`, `A:badges eq "x"`},
		{`A:tag.value eq "x"`, `A:tag has no sub-attribute "value"`},
		{`A:nope.value eq "x"`, `there is no attribute "nope"; the schemas are at /Schemas`},
		{`X:tags.value eq "x"`, `X:tags.value eq "x"`},
		{`title[value eq "x"]`, `title has no elements to filter`},
		{`name[givenName eq "x"]`, `name[givenName eq "x"]`},
		{`schemas eq "` + enterprise + `"`, `schemas eq "E"`},
		{enterprise + ` pr`, `schemas eq "E"`},
		{enterprise + ` eq "x"`, `E is a schema; compare one of its attributes`},
		{`meta.lastmodified ge "0001-01-03T00:00:00.0000000Z"`, `meta.lastModified ge "0001-01-03T00:00:00.0000000Z"`},
		{`meta.lastModified gt "notadate"`,
			`meta.lastModified must be compared with a date and time such as 2026-01-02T03:04:05Z`},
		{`meta.created co "2026"`, `meta.created cannot be compared by co`},
		{`meta.resourceType eq "User"`, `meta.resourceType eq "User"`},
		{`E:department eq "eng" and userName eq "b"`, `E:department eq "eng" and userName eq "b"`},
		{strings.ToLower(enterprise) + `:DEPARTMENT eq "eng"`, `E:department eq "eng"`},
		{enterprise + `.department eq "eng"`, `E:department eq "eng"`},
		{enterprise + `.manager.value eq "u9"`, `E:manager.value eq "u9"`},
		{`E:manager eq "u9"`, `E:manager.value eq "u9"`},
		{`id eq "u" and manager eq "m"`, `id eq "u" and E:manager.value eq "m"`},
		{`department eq "eng"`, `E:department eq "eng"`},
		{`U:userName sw "b"`, `userName sw "b"`},
		{`A:level gt 5`, `A:level gt 5`},
		{`A:level gt "5"`, `A:level gt 5`},
		{`A:level eq 9007199254740993`, `A:level eq 9007199254740993`},
		{`A:level gt 5.5`, `A:level must be compared with a whole number`},
		{`A:level co 5`, `A:level cannot be compared by co`},
		{`A:score gt 1`, `A:score gt 1`},
		{`A:score gt 1.25`, `A:score gt 1.25`},
		{`A:photo gt "x"`, `A:photo cannot be compared by gt`},
		{`A:photo eq "MII="`, `A:photo eq "MII="`},
		{`A:badges eq "a"`, `A:badges eq "a"`},
		{`A:badges[value sw "a"]`, `A:badges[value sw "a"]`},
		{`A:badges[type sw "a"]`, `A:badges has no sub-attribute "type"`},
		{`A:nope eq 1`, `there is no attribute "nope"; the schemas are at /Schemas`},
		{`password eq "t0p"`, `password cannot be filtered`},
		{`password pr`, `password cannot be filtered`},
		{`A:pin[value sw "1"]`, `A:pin has no elements to filter`},
		{`X:level gt 5 and X:a.b eq "c"`, `X:level gt 5 and X:a.b eq "c"`},
		{`X:level co 5`, `co compares strings only`},
		{`X:level gt true`, `gt does not compare true and false`},
		{`X:tags[value eq "a"]`, `X:tags[value eq "a"]`},
		{unknownURN + ` pr`, `schemas eq "X"`},
		{`not (emails[type eq "a"]) or groups.value eq "g1"`, `not(emails[type eq "a"]) or groups.value eq "g1"`},
	} {
		t.Run(c.filter, func(t *testing.T) {
			e, err := filter.Parse(long.Replace(c.filter))
			if err != nil {
				t.Fatal(err)
			}
			canonical, err := users.Filter(e)
			if err != nil {
				diff(t, "wrong error", "invalidFilter: "+c.want, refused(t, err))
				return
			}
			diff(t, "wrong filter", c.want, short.Replace(fmt.Sprint(canonical)))
			again, err := users.Filter(canonical)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "Filter is not idempotent", fmt.Sprint(canonical), fmt.Sprint(again))
		})
	}
}

// The members of a group can be filtered only by their value.
func TestFilterOfGroups(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`id eq "g" and members eq "u"`: `id eq "g" and members.value eq "u"`,
		`members[value eq "u"]`:        `members[value eq "u"]`,
		`DisplayName eq "N"`:           `displayName eq "N"`,
	} {
		e, err := filter.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if e, err = groups.Filter(e); err != nil {
			t.Fatal(err)
		}
		diff(t, "wrong filter", want, fmt.Sprint(e))
	}
}

func TestFilterRefusesBracketsInBrackets(t *testing.T) {
	t.Parallel()
	inner := &fp.ValuePath{AttributePath: fp.AttributePath{AttributeName: "type"}}
	_, err := users.Filter(&fp.ValuePath{AttributePath: fp.AttributePath{AttributeName: "emails"}, ValueFilter: inner})
	diff(t, "wrong error", "invalidFilter: brackets within brackets are not allowed", refused(t, err))
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path string
		want Place // without declarations
		kind string
	}{
		{`USERNAME`, Place{Attribute: "userName"}, "string"},
		{`emails`, Place{Attribute: "emails"}, "complex"},
		{`name.GIVENNAME`, Place{Attribute: "name", SubAttribute: "givenName"}, "string"},
		{`department`, Place{URN: enterprise, Attribute: "department"}, "string"},
		{enterprise, Place{URN: enterprise}, ""},
		{coreURN, Place{}, ""},
		{enterprise + `.manager`, Place{URN: enterprise, Attribute: "manager"}, "complex"},
		{`A:desk.floor`, Place{URN: acme, Attribute: "desk", SubAttribute: "floor"}, "integer"},
		{`X:a.b`, Place{URN: unknownURN, Attribute: "a", SubAttribute: "b"}, ""},
	} {
		t.Run(c.path, func(t *testing.T) {
			path, err := filter.ParsePath(long.Replace(c.path))
			if err != nil {
				t.Fatal(err)
			}
			got, err := users.Resolve(path.AttributePath)
			if err != nil {
				t.Fatal(err)
			}
			kind := ""
			for _, a := range []*schema.CoreAttribute{got.Declared, got.DeclaredSub} {
				if a != nil {
					kind = a.AttributeType()
				}
			}
			got.Declared, got.DeclaredSub = nil, nil
			diff(t, "wrong place", c.want, got)
			diff(t, "wrong type", c.kind, kind)
		})
	}
	_, err := users.Resolve(fp.AttributePath{AttributeName: strings.Repeat("x", 100)})
	diff(t, "wrong error",
		`invalidPath: there is no attribute "`+strings.Repeat("x", 80)+`…"; the schemas are at /Schemas`,
		refused(t, err))
}

func TestNewTypeKeepsTheFirstOfTwoSchemas(t *testing.T) {
	t.Parallel()
	first, second := schema.ExtensionEnterpriseUser(), schema.CoreGroupSchema()
	second.ID = strings.ToLower(first.ID)
	twice := NewType(schema.CoreUserSchema(), first, second)
	if _, err := twice.Resolve(fp.AttributePath{URIPrefix: &second.ID, AttributeName: "department"}); err != nil {
		t.Error(err)
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	const element = `{"value":"Ab","count":7,"until":"2026-01-01T00:00:00Z","doors":["a","b"],"primary":true}`
	for in, want := range map[string]bool{
		`value eq "aB"`: true, `value ne "ab"`: false, `value co "B"`: true, `value sw "a"`: true, `value ew "b"`: true,
		`value sw "b"`: false, `value gt "aa"`: true, `value lt "aa"`: false, `value ge "ab"`: true,
		`value le "ab"`: true,
		`count eq 7`:    true, `count eq 7.0`: true, `count ne 7`: false, `count gt 6`: true, `count lt 7`: false,
		`count ge 8`:                           false,
		`until eq "2026-01-01T01:00:00+01:00"`: true, `until lt "2026-01-01T00:00:00.001Z"`: true,
		`until gt "2027-01-01T00:00:00Z"`: false,
		`doors eq "B"`:                    true, `doors eq "c"`: false, `doors pr`: true,
		`primary eq true`: true, `primary eq false`: false, `primary ne true`: false, `primary ne "False"`: true,
		`serial pr`: false, `serial eq "x"`: false, `serial ne "x"`: true, `serial lt "x"`: false,
		`serial eq null`:               true,
		`not (serial pr) and value pr`: true, `serial pr or value pr`: true, `serial pr and value pr`: false,
	} {
		path, err := filter.ParsePath(acme + ":keys[" + in + "]")
		if err != nil {
			t.Fatal(err)
		}
		p, err := users.find(path.AttributePath)
		if err != nil {
			t.Fatal(err)
		}
		if p, err = p.selected(path); err != nil {
			t.Errorf("%s: %v", in, err)
		} else if got := p.attr.matches(p.filter, document(t, element)); got != want {
			t.Errorf("%s is %v", in, got)
		}
	}
}
