package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestREADMEAccounts goes on where signing people in ends, with what the README tells an operator and
// an identity provider to type: the person who was unassigned is assigned again and licensed.
func TestREADMEAccounts(t *testing.T) {
	t.Parallel()
	folder, address := newcomer(t)
	steps := append(commandsUnder(t, "First steps")[1:], signPeopleIn(t, folder)...)
	steps = append(append(steps, "echo; echo Accounts"), commandsUnder(t, "Accounts, licenses and groups")...)
	_, out, ok := bytes.Cut(typeCommands(t, folder, address, steps), []byte("\nAccounts\n"))
	if !ok {
		t.Fatal("signing people in did not end")
	}
	t.Logf("the operator sees:\n%s", out)

	var connection struct{ Accounts []string }
	var person struct{ Active bool }
	var group struct{ DisplayName string }
	var recompute struct{ Object string }
	var licenses struct {
		Data []struct {
			AccountID string `json:"account_id"`
			State     string
		}
	}
	var preview struct {
		Users  int
		Groups []struct{ Gained, Lost int }
	}
	d := json.NewDecoder(bytes.NewReader(out))
	for _, into := range []any{&connection, &person, &group, &recompute, &licenses, &preview} {
		if err := d.Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	if !person.Active || group.DisplayName != "Staff" || recompute.Object != "recompute" {
		t.Errorf("assigned again: %+v %+v %+v", person, group, recompute)
	}
	if len(connection.Accounts) != 1 || len(licenses.Data) != 1 || licenses.Data[0].State != "granted" ||
		licenses.Data[0].AccountID != connection.Accounts[0] {
		t.Errorf("the connection is for %v, and the licenses are %+v, want one in its account", connection.Accounts, licenses.Data)
	}
	if preview.Users != 1 || len(preview.Groups) != 1 || preview.Groups[0].Lost != 1 || preview.Groups[0].Gained != 0 {
		t.Errorf("the preview is %+v, want one user who loses the group", preview)
	}
}
