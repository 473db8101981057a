package main

import "testing"

// TestWalkAccounts runs the commands that follow the chapter "Sign people in". They assign the user
// who was unassigned again and give that user a license.
func TestWalkAccounts(t *testing.T) {
	r := newReader(t)
	const accounts = "Accounts, licenses and groups"
	out := r.types(t, r.firstSteps(t), r.signPeopleIn(t), r.chapter(t, applicationPage, accounts))[accounts]

	var connection struct{ Accounts []string }
	var person struct{ Active bool }
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
	decode(t, out, &connection, &person, &recompute, &licenses, &preview)
	if !person.Active || recompute.Object != "recompute" {
		t.Errorf("assigned again: %+v %+v", person, recompute)
	}
	if len(connection.Accounts) != 1 || len(licenses.Data) != 1 || licenses.Data[0].State != "granted" ||
		licenses.Data[0].AccountID != connection.Accounts[0] {
		t.Errorf("the connection is for %v, and the licenses are %+v, want one in its account",
			connection.Accounts, licenses.Data)
	}
	if preview.Users != 1 || len(preview.Groups) != 1 || preview.Groups[0].Lost != 1 || preview.Groups[0].Gained != 0 {
		t.Errorf("the preview is %+v, want one user who loses the group", preview)
	}
}
