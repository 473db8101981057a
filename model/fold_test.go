package model_test

import (
	"strings"
	"testing"

	"rollcall/model"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"ada@contoso.example", "ADA@Contoso.EXAMPLE"}, {"stra\u00dfe", "STRASSE", "stra\u1e9ee"},
		{"\u00e9", "e\u0301", "\u00c9", "E\u0301"},
		{"\u03c3", "\u03c2", "\u03a3"}, {"k", "\u212a"}, {"\u00e5", "\u212b", "A\u030a"}, {"i\u0307", "\u0130"},
		{"ss", "\u017fs"}, {"\ufb01", "fi", "FI"},
	} {
		for _, s := range same {
			if model.Fold(s) != model.Fold(same[0]) {
				t.Errorf("%q and %q fold to %q and %q", s, same[0], model.Fold(s), model.Fold(same[0]))
			}
		}
	}
	for _, different := range [][2]string{
		{"i", "\u0131"}, {"i", "\u0130"}, {"a", "\u00e4"}, {"o", "0"}, {"a", "\u0430"}, {"", " "}, {"a", "\uff41"},
	} {
		if model.Fold(different[0]) == model.Fold(different[1]) {
			t.Errorf("%q and %q fold alike", different[0], different[1])
		}
	}
}

func TestFoldEmail(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]string{
		"Ada@Contoso.Example":          {"ada@contoso.example", "contoso.example"},
		"ada@contoso.example.":         {"ada@contoso.example", "contoso.example"},
		"ada@B\u00dcCHER.example":      {"ada@xn--bcher-kva.example", "xn--bcher-kva.example"},
		"ada@xn--BCHER-kva.example":    {"ada@xn--bcher-kva.example", "xn--bcher-kva.example"},
		"o'neil.{x}=/@contoso.example": {"o'neil.{x}=/@contoso.example", "contoso.example"},
		"ada+tag@mail.contoso.example": {"ada+tag@mail.contoso.example", "mail.contoso.example"},
		"\u00e4da@contoso.example":     {}, "": {}, "ada": {}, "@contoso.example": {}, "ada@": {},
		"ada@localhost": {}, "a da@contoso.example": {},
		"ada@127.0.0.1": {}, "ada@[127.0.0.1]": {}, "ada@co.uk": {}, "ada@contoso..example": {},
		"ada@-contoso.example": {}, "a\x00@contoso.example": {},
		"a@b@contoso.example": {}, "a@b.example,@contoso.example": {}, "<a@b.example>@contoso.example": {},
		`"a@b.example"@contoso.example`: {}, "a;b@contoso.example": {},
		"ada@contoso.example\x00": {}, "ada@" + strings.Repeat("a", 64) + ".example": {}, "ada@.contoso.example": {},
		"ada@" + strings.Repeat("a.", 130) + "example": {},
	} {
		if folded, domain := model.FoldEmail(address); folded != want[0] || domain != want[1] {
			t.Errorf("%q folds to %q under %q, want %q under %q", address, folded, domain, want[0], want[1])
		}
	}
}
