package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"text/template"
	"time"

	"rollcall/testidp"
)

// post calls the management API as any of its clients would.
func (d *demonstration) post(ctx context.Context, path string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.api.JoinPath(path).String(), bytes.NewReader(b))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+d.key)
	r.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Timeout: 30 * time.Second}).Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		var problem struct{ Message string }
		_ = json.NewDecoder(answer.Body).Decode(&problem)
		return fmt.Errorf("POST %s: %s: %s", path, answer.Status, problem.Message)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// screen is what the demo says once everybody is provisioned. It fits 24 lines
// of 100 columns, so that nothing of it scrolls away.
var screen = template.Must(template.New("screen").Parse(`
Rollcall is running, and so is "Northwind Directory", an identity provider that imports none of its code.

  {{.IDP}}   Northwind Directory: press "Unassign" beside somebody, and see below
  {{.API}}   Rollcall: the management API and SCIM
{{range .Customers}}
  {{printf "%-9s" .Name}} {{.People}} people and {{.Groups}} groups, provisioned as {{.As}} does{{end}}

Try, in another terminal:

  export ROLLCALL={{.API}} KEY={{.Key}}

  # {{.First.Name}}'s people and their state
  curl -s "$ROLLCALL/directory_users?directory={{.First.Directory}}&limit=100" -H "Authorization: Bearer $KEY"
  # what happened, in order; after each click run it again with &after= the last event's id
  curl -s "$ROLLCALL/events?organization_id={{.First.Organization}}&limit=100" -H "Authorization: Bearer $KEY"
  # whose access has ended, and why
  curl -s "$ROLLCALL/events?events=user.access_ended&limit=100" -H "Authorization: Bearer $KEY"

Ctrl-C stops it and removes the temporary folder.
`))

func (d *demonstration) explain(customers []*customer, applications []*testidp.Application) {
	type row struct {
		Name, As, Organization, Directory string
		People, Groups                    int
	}
	var rows []row
	for i, c := range customers {
		rows = append(rows, row{c.name, applications[i].Dialect(), c.organization, c.directory,
			len(applications[i].People()), len(applications[i].Groups())})
	}
	_ = screen.Execute(d.program.out, map[string]any{
		"IDP": d.idp, "API": d.api.String(), "Key": d.key, "Customers": rows, "First": rows[0],
	})
}
