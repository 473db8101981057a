package spelling_test

import (
	"slices"
	"strings"
	"testing"

	"rollcall/model/spelling"
)

func TestSuggest(t *testing.T) {
	t.Parallel()
	known := []string{"dsync.user.created", "dsync.user.updated", "dsync.group.created",
		"user.created", "connection.activated"}
	for name, want := range map[string][]string{
		"dsync.user.create":        {"dsync.user.created", "dsync.user.updated"},
		"DSYNC.USER.CREATED":       {"dsync.user.created", "dsync.user.updated"},
		"connection":               {"connection.activated"},
		"":                         {},
		"x":                        {},
		"something.else.entirely":  {},
		strings.Repeat("x", 1<<20): {},
	} {
		if got := spelling.Suggest(name, known, 2); !slices.Equal(got, want) {
			t.Errorf("%.40q: %v, want %v", name, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"LISTN": "LISTEN", "PORT": "PORT", "": "PORT"} {
		if got := spelling.Nearest(name, []string{"LISTEN", "PORT", "PUBLIC"}); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}
