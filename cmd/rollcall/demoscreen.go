package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"text/template"
	"time"

	"rollcall/testidp"
)

// call calls the management API. A nil body sends none.
func (d *demonstration) call(ctx context.Context, method, path string, body, into any) error {
	var payload bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&payload).Encode(body); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, d.api+path, &payload)
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
	if answer.StatusCode >= http.StatusMultipleChoices {
		var problem struct{ Message string }
		_ = json.NewDecoder(answer.Body).Decode(&problem)
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, problem.Message)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// lastEvent returns the id of the newest event.
func (d *demonstration) lastEvent(ctx context.Context) (string, error) {
	var list struct{ Data []struct{ ID string } }
	if err := d.call(ctx, http.MethodGet, "/events?order=desc&limit=1", nil, &list); err != nil {
		return "", err
	}
	if len(list.Data) == 0 {
		return "", errors.New("GET /events: there is no event, though people were provisioned")
	}
	return list.Data[0].ID, nil
}

// screen is what the demo prints when all people are provisioned. It fits a window of 80 columns
// and 24 lines. Its commands are for bash and zsh. By default zsh runs a typed comment as a
// command, so the comments contain no quotes and no other special characters.
var screen = template.Must(template.New("screen").Parse(`
Rollcall is running, and with it an application and a test identity provider.
  {{printf "%-22s" .App}} Proseware Analytics: 1. sign in as somebody
  {{printf "%-22s" .IDP}} Northwind Directory: 2. press "Unassign" beside them
  {{printf "%-22s" ""}} 3. look at Proseware Analytics again: access has ended
  {{printf "%-22s" .API}} Rollcall: SCIM, sign-on and the management API
{{- range .Customers}}
  {{printf "%-9s" .Name}} {{.People}} people and {{.Groups}} groups, whose IT has {{.As}}{{end}}

Then, in another terminal:
  KEY={{.Key}}
  {{.First.Variable}}={{.First.Directory}}
  api() { curl -sH "Authorization: Bearer $KEY" "{{.API}}/$1"; }
  fields() { grep -oE "\"($1)\":\"[^\"]*\""; }
  # the people of {{.First.Name}} and their state
  api "directory_users?directory=${{.First.Variable}}&limit=100" | fields 'username|state' | paste - -
  # what has happened since this screen, in order, and whose access has ended
  api "events?after={{.LastEvent}}&limit=100" | fields 'event|email|reason'
  api "events?events=user.access_ended&limit=100"

Ctrl-C stops it and removes the temporary folder.
`))

// explain prints the screen.
func (d *demonstration) explain(customers []*customer, applications []*testidp.Application, lastEvent string) {
	type row struct {
		Name, Variable, As, Directory string
		People, Groups                int
	}
	var rows []row
	for i, c := range customers {
		as := applications[i].Dialect() + " over SAML"
		if c.oidc {
			as = applications[i].Dialect() + " over OpenID Connect"
		}
		rows = append(rows, row{c.name, strings.ToUpper(c.name), as, c.directory,
			len(applications[i].People()), len(applications[i].Groups())})
	}
	_ = screen.Execute(d.program.out, map[string]any{
		"IDP": d.idp, "API": d.api, "App": d.app, "Key": d.key, "Customers": rows, "First": rows[0],
		"LastEvent": lastEvent,
	})
}
