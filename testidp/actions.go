package testidp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// action is the operation of a button. It returns a nil Operation only with an error.
type action func(a *Application, r *http.Request) (*Operation, error)

var applicationActions = map[string]action{
	"test": func(a *Application, r *http.Request) (*Operation, error) { return a.Test(r.Context()) },
	"provision": func(a *Application, r *http.Request) (*Operation, error) {
		return a.Provision(r.Context(), nil)
	},
}

var personActions = map[string]action{
	"assign":   personAction((*Application).Assign),
	"unassign": personAction((*Application).Unassign),
	"delete":   personAction((*Application).Delete),
	"update": func(a *Application, r *http.Request) (*Operation, error) {
		return a.UpdatePerson(r.Context(), r.PathValue("person"), func(p *Person) { applyForm(p, r.Form) })
	},
}

var groupActions = map[string]action{
	"push":   groupAction((*Application).PushGroup),
	"delete": groupAction((*Application).DeleteGroup),
	"rename": func(a *Application, r *http.Request) (*Operation, error) {
		return a.RenameGroup(r.Context(), r.PathValue("group"), r.Form.Get("name"))
	},
	"add": func(a *Application, r *http.Request) (*Operation, error) {
		return a.AddMember(r.Context(), r.PathValue("group"), r.Form.Get("person"))
	},
	"remove": func(a *Application, r *http.Request) (*Operation, error) {
		return a.RemoveMember(r.Context(), r.PathValue("group"), r.Form.Get("person"))
	},
}

// method is a method of Application that takes an id.
type method func(a *Application, ctx context.Context, id string) (*Operation, error)

// personAction returns the action that calls a method with the person of the path.
func personAction(do method) action {
	return func(a *Application, r *http.Request) (*Operation, error) {
		return do(a, r.Context(), r.PathValue("person"))
	}
}

// groupAction returns the action that calls a method with the group of the path.
func groupAction(do method) action {
	return func(a *Application, r *http.Request) (*Operation, error) {
		return do(a, r.Context(), r.PathValue("group"))
	}
}

// applyForm sets the fields of a person that a form has.
func applyForm(p *Person, form url.Values) {
	for field, s := range map[string]*string{
		"given_name": &p.GivenName, "family_name": &p.FamilyName, "user_name": &p.UserName,
		"title": &p.Title, "department": &p.Department, "mobile": &p.Mobile, "manager": &p.Manager,
	} {
		if form.Has(field) {
			*s = form.Get(field)
		}
	}
}

// act runs the action that the path names. A script gets the operation in JSON. A browser is
// redirected to the page, which then shows the operation.
func (s *Server) act(actions map[string]action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, do := s.find(r), actions[r.PathValue("action")]
		if a == nil || do == nil {
			s.fail(w, r, http.StatusNotFound, "There is no such page.")
			return
		}
		o, err := do(a, r)
		var invalid *Invalid
		switch {
		case o != nil && wantsJSON(r):
			status := http.StatusOK
			if err != nil {
				status = http.StatusBadGateway
			}
			s.json(w, status, o)
		case o != nil:
			back := fmt.Sprintf("/applications/%d", a.number)
			if r.Form.Get("from") == "person" {
				back += "/people/" + url.PathEscape(r.PathValue("person"))
			}
			http.Redirect(w, r, back+"?done="+strconv.Itoa(o.Number), http.StatusSeeOther)
		case errors.As(err, &invalid) && r.PathValue("person") != "" && !wantsJSON(r):
			s.showPerson(w, r, a, invalid)
		case errors.As(err, &invalid):
			s.fail(w, r, http.StatusBadRequest, invalid.Error())
		case errors.Is(err, ErrNotFound):
			s.fail(w, r, http.StatusNotFound, err.Error())
		default:
			s.fail(w, r, http.StatusServiceUnavailable, "The operation did not start: "+err.Error())
		}
	}
}

// find returns the application that the path names, or nil.
func (s *Server) find(r *http.Request) *Application {
	n, err := strconv.Atoi(r.PathValue("app"))
	if err != nil || n < 1 || n > len(s.applications) {
		return nil
	}
	return s.applications[n-1]
}

// fail responds with an error, as a page or in JSON.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, status int, message string) {
	if wantsJSON(r) {
		s.json(w, status, map[string]string{"error": message})
		return
	}
	s.render(w, status, "problem", problemPage{page{Title: http.StatusText(status)}, message})
}

// json responds in JSON.
func (s *Server) json(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		s.log.Warn("write answer", "error", err)
	}
}
