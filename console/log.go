package console

import (
	"bytes"
	"encoding/json"
	"net/http"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/trust"
)

// membersPage is the view of console_members.html.
type membersPage struct {
	organizationPage
	Email   string // what is looked for; often empty
	Members []member
	Next    string
}

// member is a user as the console lists them.
type member struct {
	Name, Email, Role string
	Active            bool
	Reason            string // why the user is not active
	Directory         bool   // a directory owns the user
}

// members lists the users of the organization, the newest first, or those with an e-mail address.
func (s *Server) members(v *visit) error {
	after, err := cursor(v, model.UserPrefix)
	if err != nil {
		return err
	}
	view := membersPage{organizationPage: v.page("/members"), Email: model.Trimmed(v.QueryParam("email"))}
	found, info, err := people.In(v.org).Users(v.Request().Context(),
		people.UserQuery{Email: view.Email, Page: model.Page{After: after, Limit: perPage}})
	if err != nil {
		return err
	}
	if info.After != "" {
		view.Next = model.UserPrefix.ID(info.After)
	}
	for i := range found {
		u := &found[i]
		m := member{Name: u.UserName, Email: u.Email, Role: string(u.Role), Active: u.Active,
			Reason: string(u.InactiveReason), Directory: u.DirectoryID != nil}
		if name := u.FullName(); name != nil {
			m.Name = *name
		}
		view.Members = append(view.Members, m)
	}
	return s.Pages.Render(v, http.StatusOK, "console_members", view)
}

// loginsPage is the view of console_logins.html.
type loginsPage struct {
	organizationPage
	Connection trusted
	Attempts   []attempt
	Next       string
}

// attempt is a line of the login log with its explanation.
type attempt struct {
	signon.LoginAttempt
	Advice, Where string
	Notes         []string
}

// logins shows the login log of a connection: for each failure what was expected, what came, and
// where it can be mended.
func (s *Server) logins(v *visit) error {
	ctx := v.Request().Context()
	id, _ := model.ConnectionPrefix.Parse(v.Param("connection"))
	c, err := connection.In(v.org).Connection(ctx, id)
	if err != nil {
		return err
	}
	after, err := cursor(v, model.LoginAttemptPrefix)
	if err != nil {
		return err
	}
	found, info, err := signon.In(v.org).LoginAttempts(ctx, id, model.Page{After: after, Limit: perPage})
	if err != nil {
		return err
	}
	view := loginsPage{organizationPage: v.page("/logins"),
		Connection: trusted{model.ConnectionPrefix.ID(c.ID), c.Name, c.Type, string(c.State)}}
	if info.After != "" {
		view.Next = model.LoginAttemptPrefix.ID(info.After)
	}
	for _, a := range found {
		line := attempt{LoginAttempt: a, Notes: a.Notes}
		if a.Reason != "" {
			line.Advice, line.Where = trust.Explain(
				trust.Fault{Reason: a.Reason, Expected: a.Expected, Received: a.Received}, c)
		}
		view.Attempts = append(view.Attempts, line)
	}
	return s.Pages.Render(v, http.StatusOK, "console_logins", view)
}

// eventsPage is the view of console_events.html.
type eventsPage struct {
	organizationPage
	Events []event
	Next   string
}

// event is an event with its data as indented JSON.
type event struct {
	Type, Actor, Subject, Data string
	At                         model.Time
}

// events lists what happened in the organization, the newest first.
func (s *Server) events(v *visit) error {
	after, err := cursor(v, model.EventPrefix)
	if err != nil {
		return err
	}
	found, info, err := s.Store.Events(v.Request().Context(), model.Everywhere(),
		store.EventQuery{OrganizationID: v.organization.ID, Page: model.Page{After: after, Limit: perPage}})
	if err != nil {
		return err
	}
	view := eventsPage{organizationPage: v.page("/events")}
	if info.After != "" {
		view.Next = model.EventPrefix.ID(info.After)
	}
	for _, e := range found {
		var data bytes.Buffer
		if err := json.Indent(&data, []byte(e.Data), "", "  "); err != nil {
			return err
		}
		view.Events = append(view.Events, event{string(e.Type), string(e.Actor), e.Subject, data.String(), e.CreatedAt})
	}
	return s.Pages.Render(v, http.StatusOK, "console_events", view)
}
