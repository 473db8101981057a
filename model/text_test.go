package model_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"rollcall/model"
	"rollcall/model/organization"
)

func TestPrefix(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"00000000-0000-0000-0000-000000000000": "org_00000000000000000000000000",
		"00000000-0000-0000-0000-000000000001": "org_00000000000000000000000001",
		"ffffffff-ffff-ffff-ffff-ffffffffffff": "org_7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
		"01896d3a-0000-7000-8000-00000000001f": "org_01H5PKM000E008000000000000"[:29] + "Z",
	} {
		got := model.OrganizationPrefix.ID(id)
		if got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
		for _, form := range []string{got, "org_" + strings.ToLower(got[4:])} {
			if back, ok := model.OrganizationPrefix.Parse(form); !ok || back != id {
				t.Errorf("%s is read as %s, %t", form, back, ok)
			}
		}
	}
	t.Run("ids sort as what they stand for, and later ones after earlier ones", func(t *testing.T) {
		var stored, shown []string
		for range 1000 {
			id := model.NewID()
			stored, shown = append(stored, id), append(shown, model.EventPrefix.ID(id))
		}
		if !slices.IsSorted(stored) || !slices.IsSorted(shown) {
			t.Error("they do not sort")
		}
		for range 1000 {
			a, b := uuid.NewString(), uuid.NewString()
			if (a < b) != (model.EventPrefix.ID(a) < model.EventPrefix.ID(b)) {
				t.Errorf("%s and %s", a, b)
			}
			if back, ok := model.EventPrefix.Parse(model.EventPrefix.ID(a)); !ok || back != a {
				t.Errorf("%s comes back as %s", a, back)
			}
		}
	})
	t.Run("what is no id of this kind is refused", func(t *testing.T) {
		good := model.DirectoryPrefix.ID(model.NewID())
		tail := strings.TrimPrefix(good, "directory_")
		for _, bad := range []string{
			"", "_", "directory", "directory_", tail, "_" + tail, good + "0", good[:len(good)-1], "Directory_" + tail,
			"user_" + tail, "directory_user_" + tail,
			"directory_8" + tail[1:], "directory_I" + tail[1:], "directory_" + tail[:25] + "U", "directory_" +
				tail[:25] + "l", "directory_" + tail[:25] + "-",
			"directory_" + tail[:24] + "\u00e9", "directory_" + tail[:25] + "\x00", " " + good, good + "\n",
			"directory_" + strings.Repeat("\xff", 26),
		} {
			if id, ok := model.DirectoryPrefix.Parse(bad); ok {
				t.Errorf("%q is read as %s", bad, id)
			}
		}
		if got := model.DirectoryPrefix.ID("no id"); got != "directory_no id" {
			t.Error(got)
		}
	})
	t.Run("every id it reads it also writes, whatever the bytes", func(t *testing.T) {
		seed := []byte("01H5PKM000E00800000000ZZZZ")
		for i := range seed {
			for b := range 256 {
				text := slices.Clone(seed)
				text[i] = byte(b)
				for _, cut := range []int{0, i, len(text)} {
					s := "org_" + string(text[:cut])
					if id, ok := model.OrganizationPrefix.Parse(s); ok &&
						model.OrganizationPrefix.ID(id) != "org_"+strings.ToUpper(string(text)) {
						t.Fatalf("%q is read as %s", s, id)
					}
				}
			}
		}
	})
	for _, no := range []string{"", "x", "01896D3A-0000-7000-8000-00000000001F", "01896d3a000070008000000000000001",
		"{01896d3a-0000-7000-8000-00000000001f}"} {
		if model.IsID(no) {
			t.Errorf("%q is taken for a stored id", no)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	at := model.TimeOf(time.Date(2026, 3, 4, 5, 6, 7, 890_999_999, time.FixedZone("", 3600)))
	for _, c := range []struct{ text, want string }{
		{`"2026-03-04T04:06:07.890Z"`, "2026-03-04T04:06:07.890Z"},
		{`"2026-03-04T05:06:07.89+01:00"`, "2026-03-04T04:06:07.890Z"},
		{`"2026-03-04T04:06:07.8909999Z"`, "2026-03-04T04:06:07.890Z"},
	} {
		var got model.Time
		if err := json.Unmarshal([]byte(c.text), &got); err != nil || got != at || got.String() != c.want {
			t.Errorf("%s is %s: %v", c.text, got, err)
		}
	}
	if text, err := json.Marshal(at); err != nil || string(text) != `"2026-03-04T04:06:07.890Z"` {
		t.Errorf("%s %v", text, err)
	}
	if text, err := json.Marshal(model.Time(1000)); err != nil || string(text) != `"1970-01-01T00:00:01.000Z"` {
		t.Errorf("%s %v", text, err)
	}
	kept := at
	if err := json.Unmarshal([]byte(`null`), &kept); err != nil || kept != at {
		t.Errorf("null is %s: %v", kept, err)
	}
	if err := json.Unmarshal([]byte(`"yesterday"`), &kept); err == nil {
		t.Error("yesterday is a time")
	}
}

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
	for _, different := range [][2]string{{"i", "\u0131"}, {"i", "\u0130"}, {"a", "\u00e4"}, {"o", "0"},
		{"a", "\u0430"}, {"", " "}, {"a", "\uff41"}} {
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
		"\u00e4da@contoso.example":     {}, "": {}, "ada": {}, "@contoso.example": {}, "ada@": {}, "ada@localhost": {},
		"a da@contoso.example": {},
		"ada@127.0.0.1":        {}, "ada@[127.0.0.1]": {}, "ada@co.uk": {}, "ada@contoso..example": {},
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

func TestSlugOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Contoso": "contoso", "Caf\u00e9 M\u00fcller & S\u00f6hne GmbH": "cafe-muller-sohne-gmbh", "  --A B--  ": "a-b",
		"AB": "org-ab", "\u682a\u5f0f\u4f1a\u793e": "org", "": "org",
		strings.Repeat("long name ", 10): "long-name-long-name-long-name-lo", "\uff21\uff22\uff23": "abc",
		"a\x00b\nc": "a-b-c",
	} {
		got := organization.SlugOf(name)
		if got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
		if !organization.SlugForm.MatchString(got + "-50") {
			t.Errorf("%q cannot be numbered", got)
		}
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	e := &model.Error{Kind: model.Conflict, Field: "slug", Message: "taken", Err: cause}
	if e.Error() != "taken: cause" || !errors.Is(e, cause) || model.KindOf(errors.Join(cause, e)) != model.Conflict ||
		model.KindOf(cause) != model.Internal {
		t.Error(e)
	}
	var got []model.Kind
	for _, err := range []error{model.Invalidf("a", "b"), model.NotFoundf("a"), model.Conflictf("a", "b"),
		model.Deniedf("a")} {
		got = append(got, model.KindOf(err))
	}
	if diff := cmp.Diff([]model.Kind{model.Invalid, model.NotFound, model.Conflict, model.Denied}, got); diff != "" {
		t.Error(diff)
	}
}

func TestValidURI(t *testing.T) {
	t.Parallel()
	for raw, ok := range map[string]bool{
		"https://app.example/callback?x=1": true, "http://localhost:3000/cb": true, "http://127.0.0.1/cb": true,
		"http://[::1]:8080/":  true,
		"http://app.example/": false, "https://app.example/#part": false, "https://user@app.example/": false,
		"/relative": false, "https:///": false,
		"": false, "javascript:alert(1)": false, "https://app.example/\x00": false,
		"http://localhost.evil.example/": false, "https://" + strings.Repeat("a", 2050): false,
	} {
		if err := model.ValidURI("redirect_uris", raw); (err == nil) != ok {
			t.Errorf("%.60q: %v", raw, err)
		}
	}
}
