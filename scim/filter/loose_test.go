package filter

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	fp "github.com/scim2/filter-parser/v2"
)

func TestParseLoose(t *testing.T) {
	t.Parallel()
	word := func(text string, value any) Word { return Word{Text: text, Value: value} }
	for _, c := range []struct {
		filter string
		want   fp.Expression
	}{
		{`userName eq ada`, eq("userName", word("ada", nil))},
		{`userName eq ada@x.example and title pr`, and(eq("userName", word("ada@x.example", nil)), pr("title"))},
		{`(userName eq ada)`, eq("userName", word("ada", nil))},
		{`emails[type eq work]`, in("emails", eq("type", word("work", nil)))},
		{`emails[type eq work].value eq a@b`,
			in("emails", and(eq("type", word("work", nil)), eq("value", word("a@b", nil))))},
		{`userName eq O'Brien`, eq("userName", word("O'Brien", nil))},
		{`userName eq Ökafor`, eq("userName", word("Ökafor", nil))},
		{`userName eq and`, eq("userName", word("and", nil))},
		{`externalId eq 12`, eq("externalId", word("12", 12))},
		{`externalId eq 012`, eq("externalId", word("012", nil))},
		{`externalId eq 12.50`, eq("externalId", word("12.50", 12.5))},
		{`externalId eq 12a`, eq("externalId", word("12a", nil))},
		{`externalId eq 12é`, eq("externalId", word("12é", nil))},
		{`externalId eq 1e999`, eq("externalId", word("1e999", nil))},
		{`active eq True`, eq("active", word("True", true))},
		{`active eq falsé`, eq("active", word("falsé", nil))},
		{`title eq null`, eq("title", nil)},
		{`title eq nullable`, eq("title", word("nullable", nil))},
		{`title eq nullé`, eq("title", word("nullé", nil))},
		{`title eq "null"`, eq("title", "null")},
		{`title eq a#b\c{}`, eq("title", word(`a#b\c{}`, nil))},
	} {
		t.Run(c.filter, func(t *testing.T) {
			got, err := ParseLoose(c.filter)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("wrong tree (-want +got):\n%s", d)
			}
		})
	}
}

func TestParseLooseRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		`ada`, `userName`, `userName eq`, `userName eq `, `userName eq )`, `userName eq 'ada'`, `userName eq "ada`,
		`userName eq a"b"`, `userName eq “ada”`, `userName eq «ada»`, "userName eq `ada`", "userName eq a\tb",
		"userName eq a\x00", `userName eq ada lovelace`, `userName eq and title pr`, `userName like ada`,
		`userName eq ada)`, `(userName eq ada`, `emails[type eq work`, `userName eq[ada]`, `userName eq(ada)`,
		`userName eq"ada"`, `userName eq ada and`,
	} {
		if got, err := ParseLoose(s); err == nil {
			t.Errorf("%q is %v", s, got)
		}
	}
}

func TestParsePathLoose(t *testing.T) {
	t.Parallel()
	got, err := ParsePathLoose(`members[value eq 0190-a]`)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(eq("value", Word{Text: "0190-a"}), got.ValueExpression); d != "" {
		t.Error(d)
	}
}
