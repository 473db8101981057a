package portal_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/people"
	"rollcall/model/requestlog"
	"rollcall/model/setup"
)

var shownToken = regexp.MustCompile(`rc_dt_[A-Za-z0-9_-]{43}`)

// directories are the directories of the organization.
func (s *site) directories() []directory.Directory {
	s.t.Helper()
	ds, _, err := directory.Across(s.store).Directories(s.t.Context(), model.Everywhere(),
		directory.DirectoryQuery{OrganizationID: s.org.ID, Page: model.Page{Limit: 100}})
	must(s.t, err)
	return ds
}

// TestDirectoryIsMade with a token that is shown once.
func TestDirectoryIsMade(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeSSO, setup.ScopeDirectory, setup.ScopeToken)
		b.choose("entra", "SAML")
		b.shows(b.get("/setup/directory"), http.StatusOK, "Make a directory and its token", "Skip this step")
		b.shows(b.post("/setup/directory", url.Values{"life": {"9"}}), http.StatusBadRequest, "Choose how long")
		a := b.post("/setup/directory", url.Values{"life": {"1"}})
		b.shows(a, http.StatusOK, "shown this once")
		token := shownToken.FindString(a.page)
		access, err := directory.Across(s.store).Authenticate(t.Context(), token)
		must(t, err)
		d := s.directories()[0]
		if access.Directory.ID != d.ID || d.Type != "azure scim v2.0" || access.Token.ExpiresAt == nil {
			t.Errorf("the token is of %+v", access)
		}
		a = b.get("/setup/directory")
		b.shows(a, http.StatusOK, "/scim/v2/"+model.DirectoryPrefix.ID(d.ID), "Tenant URL",
			"ends with "+token[len(token)-4:],
			"Nothing has arrived yet")
		if strings.Contains(a.page, token) {
			t.Error("the token is shown again")
		}
		a = b.post("/setup/directory/tokens", url.Values{"life": {"none"}})
		second := shownToken.FindString(a.page)
		if second == "" || second == token {
			t.Fatalf("no second token: %s", a.page)
		}
		b.shows(b.get("/setup/directory"), http.StatusOK, "Two tokens are valid")
		b.shows(b.post("/setup/directory/tokens", url.Values{"life": {"none"}}), http.StatusConflict, "2 valid tokens")
		tokens, err := directory.Of(s.org, d.ID).Tokens(t.Context())
		must(t, err)
		for _, one := range tokens {
			if one.Suffix == token[len(token)-4:] {
				b.leads(b.post("/setup/directory/tokens/"+model.DirectoryTokenPrefix.ID(one.ID)+"/remove", nil),
					"/setup/directory")
			}
		}
		if _, err := directory.Across(s.store).Authenticate(t.Context(), token); model.KindOf(err) != model.Denied {
			t.Errorf("the removed token opens: %v", err)
		}
		b.leads(b.post("/setup/directory", url.Values{"life": {"1"}}), "/setup/directory") // there is one already
	})
}

// TestScopesOfADirectory: a link without the scope token never learns one, and a link for tokens
// sees
// no people.
func TestScopesOfADirectory(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		l := s.visitorOf([]setup.Scope{setup.ScopeDirectory})
		a := l.post("/setup/directory", nil)
		l.shows(a, http.StatusOK, "No token yet")
		if shownToken.MatchString(a.page) {
			t.Error("a token is shown")
		}
		tokens, err := directory.Of(s.org, s.directories()[0].ID).Tokens(t.Context())
		must(t, err)
		if len(tokens) != 0 {
			t.Errorf("%d tokens are left", len(tokens))
		}
		other := s.visitorOf([]setup.Scope{setup.ScopeToken})
		page := other.get("/setup/directory").page
		if strings.Contains(page, "What has arrived") || !strings.Contains(page, "Make a token") {
			t.Errorf("a link for tokens shows %s", page)
		}
	})
}

func TestDirectoryIsSkipped(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeDirectory)
		b.leads(b.post("/setup/directory/skip", url.Values{"skip": {"yes"}}), "/setup/directory")
		b.shows(b.get("/setup/directory"), http.StatusOK, "You have skipped this step", `class="skipped"`)
		b.leads(b.get("/setup"), "/setup/summary")
		b.leads(b.post("/setup/directory/skip", url.Values{"skip": {"no"}}), "/setup/directory")
		b.leads(b.get("/setup"), "/setup/directory")
	})
}

// TestWhatHasArrived: each check becomes green by what it is about, and red by its trap.
func TestWhatHasArrived(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeSSO, setup.ScopeDirectory, setup.ScopeToken)
		b.choose("entra", "SAML")
		b.post("/setup/directory", url.Values{"life": {"none"}})
		d := s.directories()[0]
		log := requestlog.New(requestlog.Across(s.store))
		note := func(r requestlog.Request) {
			r.OrganizationID, r.DirectoryID = s.org.ID, d.ID
			log.Add(r)
			_, err := log.RunOnce(t.Context())
			must(t, err)
			s.clock.Advance(time.Second)
		}
		note(requestlog.Request{Method: "GET", Path: "/Users", Filter: "userName eq …", Status: 200})
		note(requestlog.Request{Method: "POST", Path: "/Users", Status: 409})
		note(requestlog.Request{Method: "POST", Path: "/Users", Status: 400, Detail: "userName is required"})
		note(requestlog.Request{Method: "GET", Path: "/ServiceProviderConfig", Status: 200})
		page := b.get("/setup/directory").page
		for _, text := range []string{"It looked for a person.", "of that name is there already",
			"Refused: userName is required",
			"asked what this server can do", "Not yet", "40 minutes"} {
			if !strings.Contains(page, text) {
				t.Errorf("the page has no %q", text)
			}
		}
		contents := directory.Of(s.org, d.ID)
		ada, err := contents.CreateUser(t.Context(), map[string]any{"userName": "ada@northwind.example",
			"externalId": "ada",
			"active":     true, "emails": []any{map[string]any{"value": "ada@northwind.example", "primary": true}}})
		must(t, err)
		b.shows(b.get("/setup/directory"), http.StatusOK, "no address under a verified domain",
			"externalId is no object id")
		s.verified("northwind.example")
		_, err = contents.UpdateUser(t.Context(), ada.ID, func(u *people.UserDraft) error {
			return u.SetDocument(map[string]any{"userName": "ada@northwind.example",
				"externalId": "4f2f0a6e-0c3b-4e5c-9d52-2f1f0b7f8a11", "active": true,
				"emails": []any{map[string]any{"value": "ada@northwind.example", "primary": true}}})
		})
		must(t, err)
		_, err = contents.CreateGroup(t.Context(), map[string]any{"displayName": "Staff"}, []string{ada.ID})
		must(t, err)
		page = b.get("/setup/directory").page
		if strings.Contains(page, ">Look<") || !strings.Contains(page, "1 so far") {
			t.Errorf("the page is %s", page)
		}
		b.shows(answer{200, "", page, nil}, http.StatusOK, "use Provision on demand for them")
		_, err = contents.UpdateUser(t.Context(), ada.ID,
			func(u *people.UserDraft) error { u.Active = false; return nil })
		must(t, err)
		b.shows(b.get("/setup/directory"), http.StatusOK, "Access of ada@northwind.example ended at")
	})
}
