package organization

import (
	"strings"
	"testing"
)

func TestSlugOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Contoso": "contoso", "Caf\u00e9 M\u00fcller & S\u00f6hne GmbH": "cafe-muller-sohne-gmbh",
		"  --A B--  ": "a-b", "AB": "org-ab", "\u682a\u5f0f\u4f1a\u793e": "org", "": "org",
		strings.Repeat("long name ", 10): "long-name-long-name-long-name-lo", "\uff21\uff22\uff23": "abc",
		"a\x00b\nc": "a-b-c",
	} {
		got := SlugOf(name)
		if got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
		if !SlugForm.MatchString(got + "-50") {
			t.Errorf("%q cannot be numbered", got)
		}
	}
}
