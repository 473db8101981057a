package testidp

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed templates assets
var files embed.FS

// shownOperations is how many operations a page lists.
const shownOperations = 15

// page has the fields of every page.
type page struct {
	Title string
	Token string // the form token, for every form
}

type indexPage struct {
	page
	Applications []summary
}

// summary is a short description of an application.
type summary struct {
	*Application
	Counts       map[string]int // of people
	Total        int            // of people
	PushedGroups int
	AllGroups    int
	Last         *Operation
}

type applicationPage struct {
	page
	summary
	Everyone []PersonState
	Views    []groupView
	Recent   []Operation
	Done     *Operation
	Host     string
	EntityID string // of the service provider; empty if there is none
	ACSURL   string
	SLOURL   string
	Current  string // name of the person who is signed in in this browser; empty for nobody
	ClientID string // of the relying party; empty if there is none
	Redirect string // its redirect URI
}

// groupView is a group with its members and all other people.
type groupView struct {
	GroupState
	In, Out []PersonState
}

type personPage struct {
	page
	*Application
	Person   PersonState
	Everyone []PersonState
	InGroups []GroupState
	Done     *Operation
	Invalid  *Invalid
	SignsOn  bool // there is a service provider
}

type problemPage struct {
	page
	Message string
}

// parsePages parses one template per page, each with the layout and the shared parts.
func parsePages() (map[string]*template.Template, error) {
	functions := template.FuncMap{
		"ms": func(d time.Duration) string {
			return fmt.Sprintf("%d ms", (d + time.Millisecond - 1).Milliseconds())
		},
		"clock":  func(t time.Time) string { return t.Format("15:04:05") },
		"hue":    hue,
		"local":  func(mail string) string { l, _, _ := strings.Cut(mail, "@"); return l },
		"domain": func(mail string) string { _, d, _ := strings.Cut(mail, "@"); return d },
		"first":  func(ops []Operation, i int) bool { return i == 0 && len(ops[0].Writes()) <= 4 },
	}
	pages := map[string]*template.Template{}
	for _, name := range []string{"index", "application", "person", "problem", "signon", "answer", "logout"} {
		t, err := template.New(name).Funcs(functions).ParseFS(files,
			"templates/layout.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, err
		}
		pages[name] = t
	}
	return pages, nil
}

// hue returns the number of a person's color in the style sheet. It is always the same.
func hue(s string) int {
	n := 0
	for _, b := range []byte(s) {
		n += int(b)
	}
	return n % 6
}

// render writes a page completely, or an error instead.
func (s *Server) render(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&b, "layout", data); err != nil {
		s.log.Error("render page", "page", name, "error", err)
		http.Error(w, "This page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(b.Bytes()); err != nil {
		s.log.Debug("write page", "error", err)
	}
}

// page returns the fields of every page.
func (s *Server) page(title string) page { return page{title, s.formToken} }

// style serves the style sheet.
func (s *Server) style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=60")
	http.ServeFileFS(w, r, files, "assets/style.css")
}

// index shows the applications.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	var all []summary
	for _, a := range s.applications {
		all = append(all, summarize(a))
	}
	if wantsJSON(r) {
		out := []any{}
		for _, a := range s.applications {
			out = append(out, a.description())
		}
		s.json(w, http.StatusOK, map[string]any{"applications": out})
		return
	}
	s.render(w, http.StatusOK, "index", indexPage{s.page("Applications"), all})
}

// application shows one application.
func (s *Server) application(w http.ResponseWriter, r *http.Request, a *Application) {
	if wantsJSON(r) {
		d := a.description()
		d["people"], d["groups"], d["operations"] = a.People(), a.Groups(), a.Operations()
		s.json(w, http.StatusOK, d)
		return
	}
	everyone, operations := a.People(), a.Operations()
	p := applicationPage{
		page: s.page(a.name), summary: summarize(a), Everyone: everyone, Views: views(a.Groups(), everyone),
		Recent: operations[:min(len(operations), shownOperations)],
		Done:   done(r, operations), Host: r.Host,
	}
	p.EntityID, p.ACSURL = a.ServiceProvider()
	p.ClientID, p.Redirect = a.RelyingParty()
	p.SLOURL = a.serviceProvider().sloURL
	if id, _, known := s.whoIs(r, a); known {
		if who, err := a.dir.person(id); err == nil {
			p.Current = who.Name()
		}
	}
	s.render(w, http.StatusOK, "application", p)
}

// description returns the application in JSON.
func (a *Application) description() map[string]any {
	sp, client := a.serviceProvider(), a.relyingParty()
	return map[string]any{
		"number": a.number, "name": a.name, "dialect": a.Dialect(), "scim_url": a.scimURL, "domain": a.domain,
		"saml": map[string]string{
			"personality": string(a.personality.name), "metadata_url": a.SAMLMetadataURL(),
			"entity_id": a.SAMLEntityID(), "sso_url": a.SAMLSignOnURL(), "slo_url": a.SAMLLogoutURL(),
			"sp_entity_id": sp.entityID, "sp_acs_url": sp.acsURL, "sp_slo_url": sp.sloURL,
		},
		"oidc": map[string]string{
			"issuer": a.OIDCIssuer(), "client_id": client.id, "redirect_uri": client.redirectURI,
		},
	}
}

// person shows one person.
func (s *Server) person(w http.ResponseWriter, r *http.Request, a *Application) {
	s.showPerson(w, r, a, nil)
}

// showPerson shows a person. With invalid, it shows the form as it was sent, and the error.
func (s *Server) showPerson(w http.ResponseWriter, r *http.Request, a *Application, invalid *Invalid) {
	people := a.People()
	i := slices.IndexFunc(people, func(p PersonState) bool { return p.ID == r.PathValue("person") })
	if i < 0 {
		s.fail(w, r, http.StatusNotFound, "There is no such person.")
		return
	}
	if wantsJSON(r) {
		s.json(w, http.StatusOK, people[i])
		return
	}
	p, status := people[i], http.StatusOK
	if invalid != nil {
		applyForm(&p.Person, r.Form)
		status = http.StatusBadRequest
	}
	groups := slices.DeleteFunc(a.Groups(), func(g GroupState) bool { return !slices.Contains(g.Members, p.ID) })
	s.render(w, status, "person", personPage{s.page(people[i].Name()), a, p, people, groups,
		done(r, a.Operations()), invalid, a.serviceProvider().acsURL != ""})
}

// summarize returns the summary of an application.
func summarize(a *Application) summary {
	out := summary{Application: a, Counts: map[string]int{}}
	for _, p := range a.People() {
		out.Counts[string(p.State)]++
		out.Total++
	}
	for _, g := range a.Groups() {
		out.AllGroups++
		if g.State == Assigned {
			out.PushedGroups++
		}
	}
	if operations := a.Operations(); len(operations) > 0 {
		out.Last = &operations[0]
	}
	return out
}

// views divides the people by each group.
func views(groups []GroupState, everyone []PersonState) []groupView {
	out := make([]groupView, len(groups))
	for i, g := range groups {
		out[i].GroupState = g
		for _, p := range everyone {
			if slices.Contains(g.Members, p.ID) {
				out[i].In = append(out[i].In, p)
			} else {
				out[i].Out = append(out[i].Out, p)
			}
		}
	}
	return out
}

// done returns the operation that the page shows after a form, or nil.
func done(r *http.Request, operations []Operation) *Operation {
	n, err := strconv.Atoi(r.URL.Query().Get("done"))
	i := slices.IndexFunc(operations, func(o Operation) bool { return o.Number == n })
	if err != nil || i < 0 {
		return nil
	}
	return &operations[i]
}
