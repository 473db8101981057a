package filter

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	fp "github.com/scim2/filter-parser/v2"
)

// The builders below write expected trees in one line each.

func path(name string) fp.AttributePath {
	var p fp.AttributePath
	if k := strings.LastIndex(name, "|"); k >= 0 {
		urn := name[:k]
		p.URIPrefix, name = &urn, name[k+1:]
	}
	name, sub, dotted := strings.Cut(name, ".")
	if dotted {
		p.SubAttribute = &sub
	}
	p.AttributeName = name
	return p
}

func cmpr(name string, op fp.CompareOperator, v any) fp.Expression {
	return &fp.AttributeExpression{AttributePath: path(name), Operator: op, CompareValue: v}
}
func eq(name string, v any) fp.Expression { return cmpr(name, fp.EQ, v) }
func pr(name string) fp.Expression        { return cmpr(name, fp.PR, nil) }
func and(l, r fp.Expression) fp.Expression {
	return &fp.LogicalExpression{Left: l, Right: r, Operator: fp.AND}
}
func or(l, r fp.Expression) fp.Expression {
	return &fp.LogicalExpression{Left: l, Right: r, Operator: fp.OR}
}
func not(e fp.Expression) fp.Expression { return &fp.NotExpression{Expression: e} }
func in(name string, e fp.Expression) fp.Expression {
	return &fp.ValuePath{AttributePath: path(name), ValueFilter: e}
}

const (
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	acme       = "urn:example:params:scim:schemas:extension:acme:2.0:User"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		filter string
		want   fp.Expression
	}{
		{`userName eq "bjensen@example.com"`, eq("userName", "bjensen@example.com")},
		{`USERNAME EQ "bjensen@example.com"`, eq("USERNAME", "bjensen@example.com")},
		{`userName eq "BJensen@Example.com"`, eq("userName", "BJensen@Example.com")},
		{`id eq "U1"`, eq("id", "U1")},
		{`userName ne "x2"`, cmpr("userName", fp.NE, "x2")},
		{`not (title eq "zzz")`, not(eq("title", "zzz"))},
		{`not(title eq "zzz")`, not(eq("title", "zzz"))},
		{`NOT  ( title eq "zzz" )`, not(eq("title", "zzz"))},
		{`not (not (title pr))`, not(not(pr("title")))},
		{`userName co "JENSEN"`, cmpr("userName", fp.CO, "JENSEN")},
		{`userName sw "bj"`, cmpr("userName", fp.SW, "bj")},
		{`userName ew ".com"`, cmpr("userName", fp.EW, ".com")},
		{`userName gt "y"`, cmpr("userName", fp.GT, "y")},
		{`userName ge "x9"`, cmpr("userName", fp.GE, "x9")},
		{`userName lt "c"`, cmpr("userName", fp.LT, "c")},
		{`userName Le "c"`, cmpr("userName", fp.LE, "c")},
		{`title pr`, pr("title")},
		{`name.givenName PR`, pr("name.givenName")},
		{`members.$ref pr`, pr("members.$ref")},
		{`active eq true`, eq("active", true)},
		{`active eq "True"`, eq("active", "True")},
		{`active eq True`, eq("active", true)},
		{`active eq FALSE`, eq("active", false)},
		{`active gt true`, cmpr("active", fp.GT, true)},
		{`userName eq 5`, eq("userName", 5)},
		{`title eq null`, eq("title", nil)},
		{`title ne NULL`, cmpr("title", fp.NE, nil)},
		{`emails.value eq "b@work.com"`, eq("emails.value", "b@work.com")},
		{`emails co "work.com"`, cmpr("emails", fp.CO, "work.com")},

		{`emails[type eq "work"]`, in("emails", eq("type", "work"))},
		{`emails [ type eq "work" ]`, in("emails", eq("type", "work"))},
		{
			`emails[type eq "work" and value co "@work"]`,
			in("emails", and(eq("type", "work"), cmpr("value", fp.CO, "@work"))),
		},
		{ // Entra's matching filter
			`emails[type eq "work"].value eq "b@work.com"`,
			in("emails", and(eq("type", "work"), eq("value", "b@work.com"))),
		},
		{
			`emails[type eq "work" or type eq "home"].value pr`,
			in("emails", and(or(eq("type", "work"), eq("type", "home")), pr("value"))),
		},
		{
			`emails[type eq "work"].value eq "a" and active eq true`,
			and(in("emails", and(eq("type", "work"), eq("value", "a"))), eq("active", true)),
		},
		{
			`emails[type eq "work" and value co "@w" and primary eq true]`,
			in("emails", and(and(eq("type", "work"), cmpr("value", fp.CO, "@w")), eq("primary", true))),
		},
		{
			`emails[type eq "a" or type eq "b" and not (value co "x")]`,
			in("emails", or(eq("type", "a"), and(eq("type", "b"), not(cmpr("value", fp.CO, "x"))))),
		},
		{`emails[not (type eq "work")]`, in("emails", not(eq("type", "work")))},
		{`emails[(type eq "work")]`, in("emails", eq("type", "work"))},
		{
			`emails[type eq "w" and value co "@w"] or ims[type eq "x" and value co "@f"]`,
			or(
				in("emails", and(eq("type", "w"), cmpr("value", fp.CO, "@w"))),
				in("ims", and(eq("type", "x"), cmpr("value", fp.CO, "@f"))),
			),
		},

		{
			`userName eq "x2" or userName eq "x3" and displayName eq "none"`,
			or(eq("userName", "x2"), and(eq("userName", "x3"), eq("displayName", "none"))),
		},
		{
			`(userName eq "x2" or userName eq "x3") and displayName eq "none"`,
			and(or(eq("userName", "x2"), eq("userName", "x3")), eq("displayName", "none")),
		},
		{`a pr and b pr and c pr`, and(and(pr("a"), pr("b")), pr("c"))},
		{`a pr or b pr or c pr`, or(or(pr("a"), pr("b")), pr("c"))},
		{`a pr AND (b pr OR c pr)`, and(pr("a"), or(pr("b"), pr("c")))},
		{`(a pr)and(b pr)or not(c pr)`, or(and(pr("a"), pr("b")), not(pr("c")))},
		{
			`userName eq "x2" AND not (displayName pr)`,
			and(eq("userName", "x2"), not(pr("displayName"))),
		},
		{
			`meta.lastModified ge "2026-01-02T03:04:05.678Z"`,
			cmpr("meta.lastModified", fp.GE, "2026-01-02T03:04:05.678Z"),
		},
		{
			`(ActiVe eq true) and meta.lastmodified ge "2021-09-23T19:35:41.8420572Z"`,
			and(eq("ActiVe", true), cmpr("meta.lastmodified", fp.GE, "2021-09-23T19:35:41.8420572Z")),
		},

		{enterprise + `:department eq "eng"`, eq(enterprise+"|department", "eng")},
		{enterprise + `:manager.value eq "u9"`, eq(enterprise+"|manager.value", "u9")},
		{enterprise + `.manager.value eq "u9"`, eq(enterprise+"|manager.value", "u9")},
		{ // without the schemas this is an attribute "User" with a sub-attribute
			enterprise + `.department eq "eng"`,
			eq(strings.TrimSuffix(enterprise, ":User")+"|User.department", "eng"),
		},
		{acme + `:badges[value eq "a"]`, in(acme+"|badges", eq("value", "a"))},
		{`urn:okta:an_app:1.0:user:custom:x pr`, pr("urn:okta:an_app:1.0:user:custom|x")},
		{acme + `:level gt 5`, cmpr(acme+"|level", fp.GT, 5)},
		{acme + `:score gt 1.0`, cmpr(acme+"|score", fp.GT, 1.0)},
		{
			acme + `:level eq 7 and userName sw "b"`,
			and(eq(acme+"|level", 7), cmpr("userName", fp.SW, "b")),
		},

		{`n eq -12`, eq("n", -12)},
		{`n eq 9007199254740993`, eq("n", 9007199254740993)},
		{`n eq 9223372036854775808`, eq("n", 9223372036854775808.0)},
		{`n eq -1.5e+3`, eq("n", -1500.0)},
		{`n eq 1E2`, eq("n", 100.0)},

		{`userName eq "a\"b"`, eq("userName", `a"b`)},
		{`userName eq "a\\b"`, eq("userName", `a\b`)},
		{`userName eq "\u00e9\u00E9é\/\t"`, eq("userName", "ééé/\t")},
		{`userName eq "\ud83d\ude00"`, eq("userName", "😀")},
		{`userName eq ""`, eq("userName", "")},
		{`userName eq "a) and (b pr"`, eq("userName", "a) and (b pr")},

		{`  userName  eq  "x2"  `, eq("userName", "x2")},
		{`az.za pr`, pr("az.za")},
		{`AZ eq 1`, eq("AZ", 1)},
		{`not pr`, pr("not")},
		{`not eq "x" and and pr or or eq 1`, or(and(eq("not", "x"), pr("and")), eq("or", 1))},
		{`eq eq "eq" or pr pr`, or(eq("eq", "eq"), pr("pr"))},
		{`true eq true and null pr`, and(eq("true", true), pr("null"))},
		{`not[not eq 1]`, in("not", eq("not", 1))},
		{`nothing pr and android pr or order pr`, or(and(pr("nothing"), pr("android")), pr("order"))},
	} {
		t.Run(c.filter, func(t *testing.T) {
			got, err := Parse(c.filter)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("wrong tree (-want +got):\n%s", d)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, filter string
		offset       int
		message      string
	}{
		{"nothing", ``, 0, "the filter is empty"},
		{"spaces", `   `, 3, "the filter is empty"},
		{"a word alone", `userName`, 8, "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr), found the end"},
		{"an operator without a value", `userName eq`, 11,
			`expected a value: text in double quotes, a number, true, false or null, found the end`},
		{"no attribute", `eq "x"`, 3, "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr), found a string"},
		{"a string alone", `"secret"`, 0, "expected an attribute name, found a string"},
		{"nothing after and", `userName eq "x2" and`, 20, "expected an attribute name, found the end"},
		{"nothing before and", `and`, 3,
			"expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr), found the end"},
		{"an unknown operator", `userName xx "y"`, 9,
			`expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr), found "xx"`},
		{"an operator of one letter", `userName e "y"`, 9,
			`expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr), found "e"`},
		{"an unquoted value", `userName sw O`, 12,
			`expected a value: text in double quotes, a number, true, false or null, found "O"`},
		{"a single-quoted value", `userName eq 'x2'`, 12,
			`expected a value: text in double quotes, a number, true, false or null, found "'x2'"`},
		{"no space before the value", `userName eq"x"`, 11,
			`expected a value: text in double quotes, a number, true, false or null, found a string`},
		{"no closing quote", `userName eq "x`, 12, "the string has no closing quote"},
		{"a backslash before the end", `userName eq "x\`, 12, "the string has no closing quote"},
		{"an unknown escape", `userName eq "\x"`, 12,
			`the string has an escape that JSON does not know; write a backslash as \\`},
		{"a zero character", `userName eq "a\u0000"`, 12, `the string must not contain \u0000`},
		{"a line break", "userName eq \"a\nb\"", 14, "a control character must be escaped"},
		{"invalid UTF-8", "userName eq \"é\xff\"", 15, "the filter is not valid UTF-8"},
		{"a leading zero", `n eq 01`, 5, `expected a number, or text in double quotes, found "01"`},
		{"a plus sign", `n eq +1`, 5,
			`expected a value: text in double quotes, a number, true, false or null, found "+1"`},
		{"a number out of range", `n eq 1e999`, 5, "the number is out of range"},
		{"a word joined to true", `active eq trueish`, 10,
			`expected a value: text in double quotes, a number, true, false or null, found "trueish"`},
		{"two comparisons without a word between", `a pr b pr`, 5,
			`expected "and", "or" or the end of the filter, found "b"`},
		{"a parenthesis too few", `(a pr`, 5, `expected "and", "or" or ")", found the end`},
		{"a parenthesis too many", `a pr)`, 4, `expected "and", "or" or the end of the filter, found ")"`},
		{"empty parentheses", `()`, 1, `expected an attribute name, found ")"`},
		{"the wrong bracket", `emails[type eq "work")`, 21, `expected "and", "or" or "]", found ")"`},
		{"empty brackets", `emails[]`, 7, `expected an attribute name, found "]"`},
		{"brackets in brackets", `emails[type[x eq 1]]`, 11, "brackets within brackets are not allowed"},
		{"an index", `emails[0]`, 7, `elements have no index; select them by a filter such as [type eq "work"]`},
		{"brackets after a sub-attribute", `emails.value[type eq "x"]`, 12,
			"only an attribute can be filtered by brackets, not a sub-attribute"},
		{"a sub-attribute of brackets alone", `emails[type eq "work"].value`, 28,
			"expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr), found the end"},
		{"no sub-attribute after brackets", `emails[type eq "work"]. eq 1`, 24, `expected a sub-attribute, found "eq"`},
		{"two sub-attributes", `a.b.c pr`, 0,
			`expected an attribute name with at most one sub-attribute after a period, found "a.b.c"`},
		{"three sub-attributes after a URN", `urn:x:a.b.c.d pr`, 6,
			`expected an attribute name with at most one sub-attribute after a period, found "a.b.c.d"`},
		{"no sub-attribute after a period", `a. pr`, 0,
			`expected an attribute name with at most one sub-attribute after a period, found "a."`},
		{"a name that starts with a digit", `1a pr`, 0, `expected an attribute name, found "1a"`},
		{"a name with an umlaut", `näme pr`, 1,
			`expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr), found "ä"`},
		{"a URN without an attribute", `urn:x: pr`, 7, `expected an attribute name, found "pr"`},
		{"a URN with an empty part", `urn::x:a pr`, 0, "a URN must not have an empty part"},
		{"a colon without a URN", `:a pr`, 0, "a URN must not have an empty part"},
		{"a long word", strings.Repeat("a", 50) + `=1`, 0, `expected an attribute name, found "aaaaaaaaaaaaaaaaaaaa…"`},
		{"a word that is just short enough", strings.Repeat("a", 18) + `=1`, 0,
			`expected an attribute name, found "aaaaaaaaaaaaaaaaaa=1"`},
		{"parentheses too deep", strings.Repeat("(", MaxDepth+1) + "a pr", MaxDepth, "nested deeper than 32"},
		{"an open bracket at the end", `emails[`, 7, "expected an attribute name, found the end"},
		{"a zero character at the beginning", `userName eq "\u0000a"`, 12, `the string must not contain \u0000`},
		{"a tab", "a\tpr", 1, `expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr), found "\t"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := Parse(c.filter)
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("want an *Error, got tree %v and error %v", e, err)
			}
			if d := cmp.Diff(Error{c.offset, c.message}, *got); d != "" {
				t.Errorf("wrong error (-want +got):\n%s", d)
			}
			if want := fmt.Sprintf("%s (at offset %d)", c.message, c.offset); err.Error() != want {
				t.Errorf("text is %q, want %q", err, want)
			}
		})
	}
}

func TestParsePath(t *testing.T) {
	t.Parallel()
	value := "value"
	for _, c := range []struct {
		path string
		want fp.Path
	}{
		{`active`, fp.Path{AttributePath: path("active")}},
		{` name.familyName `, fp.Path{AttributePath: path("name.familyName")}},
		{`NAME.FAMILYNAME`, fp.Path{AttributePath: path("NAME.FAMILYNAME")}},
		{
			`members[value eq "2819c223-7f76-453a-919d-413861904646"]`,
			fp.Path{
				AttributePath:   path("members"),
				ValueExpression: eq("value", "2819c223-7f76-453a-919d-413861904646"),
			},
		},
		{
			`emails[type eq "work"].value`,
			fp.Path{AttributePath: path("emails"), ValueExpression: eq("type", "work"), SubAttribute: &value},
		},
		{
			`emails[type eq "work" and primary eq true and value pr].value`,
			fp.Path{
				AttributePath:   path("emails"),
				ValueExpression: and(and(eq("type", "work"), eq("primary", true)), pr("value")),
				SubAttribute:    &value,
			},
		},
		{enterprise + `:department`, fp.Path{AttributePath: path(enterprise + "|department")}},
		{enterprise + `:manager.value`, fp.Path{AttributePath: path(enterprise + "|manager.value")}},
		{enterprise + `.manager.value`, fp.Path{AttributePath: path(enterprise + "|manager.value")}},
		{
			acme + `:badges[value eq "a"].value`,
			fp.Path{AttributePath: path(acme + "|badges"), ValueExpression: eq("value", "a"), SubAttribute: &value},
		},
	} {
		t.Run(c.path, func(t *testing.T) {
			got, err := ParsePath(c.path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("wrong path (-want +got):\n%s", d)
			}
		})
	}
}

func TestParsePathRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, path string
		offset     int
		message    string
	}{
		{"nothing", ``, 0, "the path is empty"},
		{"an index", `emails[0].value`, 7, `elements have no index; select them by a filter such as [type eq "work"]`},
		{"an unfinished filter", `emails[type eq`, 14,
			`expected a value: text in double quotes, a number, true, false or null, found the end`},
		{"an open bracket", `emails[type eq "work"`, 21, `expected "and", "or" or "]", found the end`},
		{"a comparison", `active eq true`, 7, `expected the end of the path, found "eq"`},
		{"a comparison after brackets", `emails[type eq "work"].value eq "x"`, 29,
			`expected the end of the path, found "eq"`},
		{"two filters", `emails[type pr][type pr]`, 15, `expected the end of the path, found "["`},
		{"two sub-attributes", `emails[type pr].value.x`, 21, `expected the end of the path, found ".x"`},
		{"two paths", `title,nickName`, 0, `expected an attribute name, found "title,nickName"`},
		{"a slash", `/emails`, 0, `expected an attribute name, found "/emails"`},
		{"too long", strings.Repeat("a", MaxLength+1), MaxLength, "the path is longer than 8192 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParsePath(c.path)
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("want an *Error, got %v", err)
			}
			if d := cmp.Diff(Error{c.offset, c.message}, *got); d != "" {
				t.Errorf("wrong error (-want +got):\n%s", d)
			}
		})
	}
}
