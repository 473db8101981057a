package main

import (
	"regexp"
	"strings"
	"testing"

	"rollcall/model/modeltest"
)

func TestOperatorCommands(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		environ := []string{"ROLLCALL_DATABASE_URL=" + db.URL,
			"ROLLCALL_SECRET_KEY=" + "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}
		password := regexp.MustCompile(`(?m)^  [A-Z2-7]{26}$`)
		for _, step := range []struct {
			args   string
			status int
			says   string
		}{
			{"operator", 2, "say what to do"},
			{"operator promote", 2, "there is no \"promote\""},
			{"operator create", 2, "--email is missing"},
			{"operator create --email nobody", 2, "no e-mail address"},
			{"operator list", 0, "There are no operators"},
			{"operator create --email ada@operator.example", 0, "One-time password of ada@operator.example"},
			{"operator create --email ADA@operator.example", 1, "is an operator already"},
			{"operator list", 0, "one-time"},
			{"operator reset-password --email bob@operator.example", 1, "is no operator"},
			{"operator reset-password --email ada@operator.example", 0, "One-time password"},
			{"operator list --email ada@operator.example", 2, "flag provided but not defined"},
			{"operator remove --email ada@operator.example", 0, "no operator any more"},
			{"operator remove --email ada@operator.example", 1, "is no operator"},
			{"operator list", 0, "There are no operators"},
		} {
			var out strings.Builder
			p := &program{environ: environ, out: &out, err: &out}
			status := p.run(t.Context(), strings.Fields(step.args))
			if status != step.status || !strings.Contains(out.String(), step.says) {
				t.Fatalf("rollcall %s: status %d: %s", step.args, status, out.String())
			}
			if shown := password.MatchString(out.String()); shown != strings.Contains(step.says, "One-time") {
				t.Errorf("rollcall %s: a password is shown: %v", step.args, shown)
			}
		}
	})
}
