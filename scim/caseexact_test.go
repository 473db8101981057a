package scim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestCaseExactInBrackets checks that a sub-attribute compares in brackets as it does without them:
// by case where its schema says caseExact, and regardless of case where it does not, both in one
// filter too.
func TestCaseExactInBrackets(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		c.declare(`[{"name":"cards","type":"complex","multiValued":true,"subAttributes":[
			{"name":"value","type":"string","caseExact":true},{"name":"code","type":"string","caseExact":true},
			{"name":"type","type":"string"},{"name":"primary","type":"boolean"}]},
			{"name":"desk","type":"complex","subAttributes":[{"name":"value","type":"string","caseExact":true},
			{"name":"type","type":"string"}]}]`)
		for _, name := range []string{"ada", "ben"} {
			v := map[string]string{"ada": "aabb+/AA==", "ben": "AABB+/aa=="}[name]
			c.create("/Users", fmt.Sprintf(`{"userName":%q,
				"x509Certificates":[{"value":%[2]q,"display":"Key","primary":true},{"value":"zzzz","display":"Other"}],
				"photos":[{"value":"https://x.example/%[1]s","type":"Photo"}],
				%[3]q:{"cards":[{"value":%[2]q,"code":%[1]q,"type":"Visa"},{"value":"x","code":"X","type":"Other"}],
				"desk":{"value":%[2]q,"type":"Oak"}}}`, name, v, fleetURN))
		}
		for _, test := range []struct{ filter, want string }{
			{`x509Certificates[value eq "aabb+/AA=="]`, "ada"},
			{`x509Certificates[value eq "aABB+/AA=="]`, ""},
			{`x509Certificates.value eq "aabb+/AA=="`, "ada"},
			{`x509Certificates eq "aABB+/AA=="`, ""},
			{`x509Certificates[value eq "AABB+/aa==" and display eq "KEY"]`, "ben"},
			{`x509Certificates[value eq "AABB+/aa==" and display eq "other"]`, ""},
			{`x509Certificates[value eq "zzzz" and display eq "OTHER"]`, "ada ben"},
			{`x509Certificates[value eq "ZZZZ" and display eq "OTHER"]`, ""},
			{`x509Certificates[display eq "KEY" and value eq "aabb+/AA==" and primary eq true]`, "ada"},
			{`x509Certificates[value eq "aabb+/AA==" and primary eq true]`, "ada"},
			{`x509Certificates[value eq "aabb+/AA==" and primary eq false]`, ""},
			{`x509Certificates[not (value eq "aabb+/AA==") and display eq "key"]`, "ben"},
			{`x509Certificates[display eq "key" and not (value eq "AABB+/aa==")]`, "ada"},
			{`x509Certificates[value eq "aabb+/AA==" or display eq "nothing"]`, "ada"},
			{`x509Certificates[value eq "nothing" or display eq "KEY"]`, "ada ben"},
			{`x509Certificates[value eq "aabb+/AA=="].display eq "KEY"`, "ada"},
			{`photos[value co "example/Ada"]`, ""},
			{`photos[value co "example/ada" and type eq "photo"]`, "ada"},
			{`photos[value sw "HTTPS"]`, ""},
			{`photos[value ew "/ben"]`, "ben"},
			{`photos[value ew "/BEN"]`, ""},
			{`photos[value ne "https://x.example/ada"]`, "ben"},
			{`photos[value ne "https://x.example/ADA"]`, "ada ben"},
			{`photos[type eq "PHOTO" and value pr]`, "ada ben"},
			{fleetURN + `:cards[value sw "aabb"]`, "ada"},
			{fleetURN + `:cards[value sw "aabb" and type eq "VISA"]`, "ada"},
			{fleetURN + `:cards[code eq "Ada"]`, ""},
			{fleetURN + `:cards[code eq "ada" and type eq "visa"]`, "ada"},
			{fleetURN + `:cards[code eq "x"]`, ""},
			{fleetURN + `:cards[type eq "OTHER" and code eq "X" and value eq "x"]`, "ada ben"},
			{fleetURN + `:desk[value eq "aabb+/AA==" and type eq "OAK"]`, "ada"},
			{fleetURN + `:desk[value eq "aabb+/aa==" and type eq "OAK"]`, ""},
			{fleetURN + `:desk.value eq "AABB+/aa=="`, "ben"},
		} {
			if got := strings.Join(c.matching(test.filter), " "); got != test.want {
				t.Errorf("%s: %q, want %q", test.filter, got, test.want)
			}
		}
	})
}

// TestBinariesAndReferencesAreCaseExact follows RFC 7643 §2.3.6 and §2.3.7, whatever a declaration
// says.
func TestBinariesAndReferencesAreCaseExact(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		c.declare(`[{"name":"photo","type":"binary"},
			{"name":"page","type":"reference","referenceTypes":["external"],"caseExact":false},
			{"name":"keys","type":"complex","multiValued":true,"subAttributes":[{"name":"value","type":"binary"}]},
			{"name":"nick","type":"string"}]`)
		a := c.want(200, "GET", "/Schemas/"+fleetURN, "")
		exact := func(path ...any) any { return a.path(append([]any{"attributes"}, path...)...) }
		for i, want := range []bool{true, true, false, false} {
			if exact(i, "caseExact") != want && !(i == 2 && exact(i, "caseExact") == nil) {
				t.Errorf("%v: caseExact %v, want %v", exact(i, "name"), exact(i, "caseExact"), want)
			}
		}
		if exact(2, "subAttributes", 0, "caseExact") != true {
			t.Errorf("keys.value: %s", a.text)
		}
		c.create("/Users", `{"userName":"ada","`+fleetURN+`":{"photo":"AAbb","page":"https://x.example/Ada",
			"keys":[{"value":"AAbb"}],"nick":"Ada"}}`)
		for _, test := range []struct{ filter, want string }{
			{`photo eq "AAbb"`, "ada"}, {`photo eq "AABB"`, ""}, {`page eq "https://x.example/Ada"`, "ada"},
			{`page eq "https://x.example/ada"`, ""}, {`keys[value eq "AABB"]`, ""}, {`keys[value eq "AAbb"]`, "ada"},
			{`keys.value eq "AABB"`, ""}, {`nick eq "ADA"`, "ada"},
		} {
			if got := strings.Join(c.matching(fleetURN+":"+test.filter), " "); got != test.want {
				t.Errorf("%s: %q, want %q", test.filter, got, test.want)
			}
		}
	})
}

// TestValueOfSimpleElements checks that an element that is no object is its own value, in brackets
// and without them.
func TestValueOfSimpleElements(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		c.declare(`[{"name":"xtags","type":"string","multiValued":true},{"name":"one","type":"string"}]`)
		c.create("/Users", `{"userName":"ada","`+fleetURN+`":{"xtags":["red","blue"],"one":"a"}}`)
		c.create("/Users", `{"userName":"ben","`+fleetURN+`":{"xtags":["green"]}}`)
		c.create("/Users", `{"userName":"cy"}`)
		for _, test := range []struct{ filter, want string }{
			{`xtags.value eq "RED"`, "ada"}, {`xtags[value eq "red"]`, "ada"}, {`xtags eq "red"`, "ada"},
			{`xtags.VALUE sw "gr"`, "ben"}, {`xtags.value pr`, "ada ben"}, {`not (xtags.value pr)`, "cy"},
			{`xtags.value eq "red" and xtags.value eq "blue"`, "ada"},
		} {
			got := strings.Join(c.matching(strings.ReplaceAll(test.filter, "xtags", fleetURN+":xtags")), " ")
			if got != test.want {
				t.Errorf("%s: %q, want %q", test.filter, got, test.want)
			}
		}
		refused(t, c.do("GET", filtered("/Users", fleetURN+`:xtags.type eq "red"`), ""), 400, "invalidFilter", "xtags")
		refused(t, c.do("GET", filtered("/Users", fleetURN+`:one.value eq "a"`), ""), 400, "invalidFilter", "one")
		for _, by := range []string{"xtags", "xtags.value"} {
			got := c.want(200, "GET", "/Users?sortBy="+fleetURN+":"+by, "").values("userName")
			if !slices.Equal(got, []string{"ben", "ada", "cy"}) {
				t.Errorf("by %s: %v", by, got)
			}
		}
	})
}

// TestSortByThePrimaryValue follows RFC 7644 §3.4.2.3: the primary value, or else the first one, is
// the one that is sorted by, whether it has the sub-attribute or not.
func TestSortByThePrimaryValue(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		const at = "@x.example"
		for i, emails := range []string{
			`[{"value":"a` + at + `","primary":true},{"value":"b` + at + `","type":"aaa"}]`,
			`[{"value":"c` + at + `","type":"bbb"}]`,
			`[{"value":"d` + at + `"},{"value":"e` + at + `","type":"aab"}]`,
			`[{"value":"z` + at + `","type":"zzz"},{"value":"y` + at + `","type":"abc","primary":true}]`,
			`[{"value":"x` + at + `","type":"aaa"},{"value":"w` + at + `","primary":true}]`,
		} {
			addresses := strings.NewReplacer(`"value"`, `"country"`).Replace(emails)
			c.create("/Users", fmt.Sprintf(`{"userName":%q,"emails":%s,"roles":%[2]s,"phoneNumbers":%[2]s,
				"addresses":%[3]s}`, "abcde"[i:i+1], emails, addresses))
		}
		c.create("/Users", `{"userName":"f"}`)
		for by, want := range map[string]string{
			"emails.type": "d b a c e f", "roles.type": "d b a c e f", "phoneNumbers.type": "d b a c e f",
			"addresses.type": "d b a c e f", "addresses.country": "a b c e d f", "emails": "a b c e d f",
			"emails.value": "a b c e d f", "emails.display": "a b c d e f", "emails.primary": "a d e b c f",
		} {
			for _, order := range []string{"ascending", "descending"} {
				want := strings.Fields(want)
				path := "/Users?sortBy=" + by + "&sortOrder=" + order
				if order == "descending" {
					slices.Reverse(want)
				}
				if got := c.want(200, "GET", path, "").values("userName"); !slices.Equal(got, want) {
					t.Errorf("by %s, %s: %v, want %v", by, order, got, want)
				}
				var paged []string
				for start := 1; start <= len(want); start += 2 {
					a := c.want(200, "GET", fmt.Sprintf("%s&count=2&startIndex=%d", path, start), "")
					paged = append(paged, a.values("userName")...)
				}
				if !slices.Equal(paged, want) {
					t.Errorf("by %s, %s, in pages: %v, want %v", by, order, paged, want)
				}
			}
		}
	})
}
