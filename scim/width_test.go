package scim_test

import (
	"slices"
	"testing"
)

// TestWidthOfUserNames checks that full-width and half-width characters make no other userName (RFC
// 7644 §5).
func TestWidthOfUserNames(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		for _, names := range [][]string{{"ﾃｽﾄ-1", "テスト-1", "ﾃｽﾄ－１"}, {"Ａｄａ@x.example", "ada@X.example"},
			{"ﾃﾞﾝﾜ", "デンワ"}, {"ａ\u3000ｂ", "A b"}} {
			id := c.user(names[0])
			for _, name := range names {
				refused(t, c.do("POST", "/Users", `{"userName":"`+name+`"}`), 409, "uniqueness")
				for _, filter := range []string{`userName eq "` + name + `"`, `userName sw "` + name + `"`} {
					got := c.want(200, "GET", filtered("/Users", filter), "").values("id")
					if !slices.Equal(got, []string{id}) {
						t.Errorf("%s finds %v", filter, got)
					}
				}
			}
			if got := c.want(200, "GET", "/Users/"+id, "").body["userName"]; got != names[0] {
				t.Errorf("%v, want the spelling that was sent", got)
			}
		}
		c.user("テスト-2")
	})
}
