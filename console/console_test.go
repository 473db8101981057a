package console_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/console"
	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/web"
)

const (
	ada         = "ada@operator.example"
	ownPassword = "glacier tuba 41 window"
)

// site is a console with one operator, and somebody's browser.
type site struct {
	t       *testing.T
	store   *store.Store
	clock   *modeltest.Clock
	url     string
	oneTime string
	browser *http.Client
	counter *modeltest.Statements
}

func each(t *testing.T, test func(t *testing.T, s *site)) {
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		var counter modeltest.Statements
		options := counter.Options()
		options.Now = clock.Now
		store := modeltest.Open(t, db, options)
		w, err := web.New(web.Options{PublicURL: "http://127.0.0.1"})
		must(t, err)
		must(t, (&console.Server{Store: store, Pages: w.Pages, PublicURL: "http://127.0.0.1"}).Mount(w.Echo))
		w.Open()
		server := httptest.NewServer(w)
		t.Cleanup(server.Close)
		_, password, err := operator.Across(store).CreateOperator(t.Context(), ada)
		must(t, err)
		s := &site{t: t, store: store, clock: clock, url: server.URL, oneTime: password, counter: &counter}
		s.browser = s.newBrowser()
		test(t, s)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newBrowser is a client that keeps cookies and does not follow redirects.
func (s *site) newBrowser() *http.Client {
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// answer is the status of an answer with its Location or its page.
type answer struct {
	status         int
	location, page string
}

func (s *site) send(r *http.Request) answer {
	s.t.Helper()
	response, err := s.browser.Do(r)
	must(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(s.t, err)
	return answer{response.StatusCode, response.Header.Get("Location"), string(body)}
}

func (s *site) get(path string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	must(s.t, err)
	return s.send(r)
}

func (s *site) post(path string, form url.Values, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+path, strings.NewReader(form.Encode()))
	must(s.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return s.send(r)
}

func (s *site) signIn(email, password string) answer {
	s.t.Helper()
	return s.post("/console/login", url.Values{"email": {email}, "password": {password}})
}

func (s *site) choose(old, password, again string) answer {
	s.t.Helper()
	return s.post("/console/password", url.Values{"old": {old}, "password": {password}, "again": {again}})
}

// settle signs in with the one-time password and chooses another password.
func (s *site) settle() {
	s.t.Helper()
	s.leads(s.signIn(ada, s.oneTime), "/console/password")
	s.leads(s.choose(s.oneTime, ownPassword, ownPassword), "/console")
}

func (s *site) leads(a answer, location string) {
	s.t.Helper()
	if a.status != http.StatusSeeOther || a.location != location {
		s.t.Fatalf("status %d to %q, not 303 to %q: %s", a.status, a.location, location, a.page)
	}
}

func (s *site) shows(a answer, status int, text string) {
	s.t.Helper()
	if a.status != status || !strings.Contains(a.page, text) {
		s.t.Fatalf("status %d, not %d with %q: %s", a.status, status, text, a.page)
	}
}

func TestOneTimePasswordIsExchanged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		s.leads(s.get("/console"), "/console/login")
		s.leads(s.signIn("ADA@operator.example", s.oneTime), "/console/password")
		s.leads(s.get("/console"), "/console/password") // no other page opens before
		s.shows(s.choose(s.oneTime, ownPassword, "glacier tuba 41 windows"), http.StatusBadRequest, "differ")
		s.shows(s.choose("wrong", ownPassword, ownPassword), http.StatusForbidden, "old password is wrong")
		s.shows(s.choose(s.oneTime, "short", "short"), http.StatusBadRequest, "at least 15")
		s.shows(s.choose(s.oneTime, s.oneTime, s.oneTime), http.StatusBadRequest, "is the old password")
		other := s.browser
		s.browser = s.newBrowser()
		s.leads(s.signIn(ada, s.oneTime), "/console/password")
		s.leads(s.choose(s.oneTime, ownPassword, ownPassword), "/console")
		s.shows(s.get("/console"), http.StatusOK, ada)
		s.browser = other // the session with the one-time password has ended
		s.leads(s.get("/console"), "/console/login")
		s.shows(s.signIn(ada, s.oneTime), http.StatusForbidden, "is wrong")
		s.leads(s.signIn(ada, ownPassword), "/console")
	})
}

// TestRefusedPasswordKeepsWhatWasRight: nobody types a one-time password a second time.
func TestRefusedPasswordKeepsWhatWasRight(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		s.leads(s.signIn(ada, s.oneTime), "/console/password")
		for _, c := range []struct{ old, password, again, keepsOld, keepsNew string }{
			{s.oneTime, ownPassword, "glacier tuba 41 windows", s.oneTime, ""},
			{s.oneTime, "short", "short", s.oneTime, ""},
			{s.oneTime, s.oneTime, s.oneTime, s.oneTime, ""},
			{"wrong<", ownPassword, ownPassword, "", ownPassword},
		} {
			a := s.choose(c.old, c.password, c.again)
			for name, want := range map[string]string{"old": c.keepsOld, "password": c.keepsNew, "again": c.keepsNew} {
				if !strings.Contains(a.page, `name="`+name+`" value="`+want+`"`) {
					t.Errorf("after %+v the field %s has not %q: %s", c, name, want, a.page)
				}
			}
		}
		if page := s.get("/console/password").page; strings.Contains(page, s.oneTime) {
			t.Error("a new page has the password")
		}
	})
}

func TestOneTimePasswordRunsOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		s.clock.Advance(24 * time.Hour)
		s.shows(s.signIn(ada, s.oneTime), http.StatusForbidden, "has run out")
		password, err := operator.Across(s.store).ResetOperatorPassword(t.Context(), ada)
		must(t, err)
		s.leads(s.signIn(ada, password), "/console/password")
	})
}

func TestWrongPasswordTellsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		s.settle()
		s.browser = s.newBrowser()
		known := s.signIn(ada, "wrong")
		unknown := s.signIn("bob@operator.example", "wrong")
		unknown.page = strings.ReplaceAll(unknown.page, "bob@operator.example", ada)
		if diff := cmp.Diff(known, unknown, cmp.AllowUnexported(answer{})); diff != "" {
			t.Errorf("-known +unknown:\n%s", diff)
		}
		if strings.Contains(known.page, "wrong\"") || s.get("/console").status != http.StatusSeeOther {
			t.Error("the page repeats the password, or somebody is signed in")
		}
	})
}

func TestGuessingIsSlowedDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		s.settle()
		s.browser = s.newBrowser()
		for range 6 {
			s.shows(s.signIn(ada, "wrong"), http.StatusForbidden, "is wrong")
		}
		s.shows(s.signIn(ada, ownPassword), http.StatusTooManyRequests, "try again in 2 seconds")
		s.clock.Advance(2 * time.Second)
		s.leads(s.signIn(ada, ownPassword), "/console")
	})
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *site){
		"after half an hour without a request": func(s *site) { s.clock.Advance(30 * time.Minute) },
		"after twelve hours in any case": func(s *site) {
			for range 12*3 - 1 {
				s.clock.Advance(20 * time.Minute)
				s.shows(s.get("/console"), http.StatusOK, ada)
			}
			s.clock.Advance(20 * time.Minute)
		},
		"when the operator signs out": func(s *site) { s.leads(s.post("/console/logout", nil), "/console/login") },
		"when the operator is removed": func(s *site) {
			must(s.t, operator.Across(s.store).DeleteOperator(s.t.Context(), ada))
		},
		"when the password is reset": func(s *site) {
			_, err := operator.Across(s.store).ResetOperatorPassword(s.t.Context(), ada)
			must(s.t, err)
		},
		"when the operator signs in again": func(s *site) {
			old := s.browser.Jar.Cookies(parsed(s.t, s.url))
			s.leads(s.signIn(ada, ownPassword), "/console")
			s.browser = s.newBrowser()
			s.browser.Jar.SetCookies(parsed(s.t, s.url), old)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *site) {
				s.settle()
				cookies := s.browser.Jar.Cookies(parsed(t, s.url))
				end(s)
				s.browser.Jar.SetCookies(parsed(t, s.url), cookies) // a copy of the cookie has no session either
				s.leads(s.get("/console"), "/console/login")
			})
		})
	}
}

func parsed(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	must(t, err)
	return u
}

// TestPasswordsComeInTheBodyOnly sends passwords in the query, where histories and logs would keep
// them.
func TestPasswordsComeInTheBodyOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		s.shows(s.post("/console/login?"+url.Values{"email": {ada}, "password": {s.oneTime}}.Encode(), nil),
			http.StatusForbidden, "is wrong")
		s.settle()
		next := "glacier tuba 42 window"
		query := url.Values{"old": {ownPassword}, "password": {next}, "again": {next}}.Encode()
		s.shows(s.post("/console/password?"+query, nil), http.StatusForbidden, "old password is wrong")
	})
}

func TestLongFormsAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		s.settle()
		long := url.Values{"email": {ada}, "old": {ownPassword}, "password": {strings.Repeat("x", 20_000)}}
		for _, path := range []string{"/console/login", "/console/password"} {
			if a := s.post(path, long); a.status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: status %d", path, a.status)
			}
		}
	})
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		s.settle()
		for _, path := range []string{"/console/login", "/console/logout", "/console/password"} {
			for _, headers := range [][]string{
				{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
				{"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
			} {
				s.shows(s.post(path, url.Values{"old": {ownPassword}, "password": {"x"}}, headers...),
					http.StatusForbidden, "Another site")
			}
		}
		s.shows(s.get("/console"), http.StatusOK, ada)
	})
}

func TestCookieIsForThisHostOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		response, err := s.browser.PostForm(s.url+"/console/login", url.Values{"email": {ada}, "password": {s.oneTime}})
		must(t, err)
		must(t, response.Body.Close())
		cookies := response.Cookies()
		if len(cookies) != 2 {
			t.Errorf("cookies %v", cookies)
		}
		for _, cookie := range cookies {
			known := strings.HasPrefix(cookie.Name, "rollcall-console-known-")
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" ||
				cookie.Domain != "" || (cookie.MaxAge > 0) != known {
				t.Errorf("cookie %v", cookie)
			}
		}
	})
}

func TestUsersWhoWaitForASeatAreListed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		ctx := t.Context()
		o := &organization.Organization{OrganizationFields: organization.OrganizationFields{
			Name: "Contoso <b>", Settings: organization.DefaultSettings(),
		}}
		must(t, operator.Across(s.store).CreateOrganization(ctx, "system", model.Everywhere(), o,
			map[string]organization.DomainState{"contoso.example": organization.DomainStateVerified}))
		org := s.store.Org(o.ID, "system")
		d, _, err := directory.In(org).CreateDirectory(ctx, "People", "okta scim v2.0")
		must(t, err)
		c := &connection.Connection{Type: "OktaSAML", SPCertificate: "certificate",
			ConnectionFields: connection.ConnectionFields{
				Name:              "Sign-on",
				IDPEntityID:       "https://idp.example",
				IDPSSORedirectURL: "https://idp.example/sso",
				IDPCertificates:   []string{"certificate"},
			}}
		must(t, connection.In(org).CreateConnection(ctx, c, []byte("key")))
		l := &signon.Login{ConnectionID: c.ID, RequestID: "_1", BrowserHash: []byte("hash"),
			RedirectURI: "https://app.example/callback"}
		signon.In(org).StartLogin(l)
		// The connection is a draft until somebody has signed in.
		_, err = signon.In(org).SignIn(ctx, signon.SignIn{
			Connection: c, Login: l, AssertionID: "_2", ReplayUntil: 1 << 60,
			Claims: signon.Claims{
				Issuer: "https://idp.example", Subject: "ada", Email: "ada@contoso.example", EmailVerified: true}})
		must(t, err)
		none := int64(0)
		a := &entitle.Account{AccountFields: entitle.AccountFields{Name: "Reports", Seats: &none}}
		must(t, entitle.In(org).CreateAccount(ctx, a))
		must(t, entitle.In(org).SetConnectionAccounts(ctx, c.ID, []string{a.ID}))
		_, err = directory.Of(org, d.ID).CreateUser(ctx, map[string]any{"userName": "grace@contoso.example",
			"emails": []any{map[string]any{"value": "grace@contoso.example", "primary": true}}})
		must(t, err)

		path := "/console/organizations/" + model.OrganizationPrefix.ID(string(o.ID)) + "/waiting"
		s.leads(s.get(path), "/console/login")
		s.settle()
		page := strings.TrimSuffix(path, "/waiting")
		s.shows(s.get("/console"), http.StatusOK, `<a href="`+page+`">Contoso &lt;b&gt;</a>`)
		s.shows(s.get(path), http.StatusOK, `Reports</th><td data-label="Seats">0 of 0 seats in use`)
		s.shows(s.get(path), http.StatusOK, `grace@contoso.example</th><td data-label="Account">Reports</td>`)
		s.shows(s.get(path+"?after=somewhere"), http.StatusBadRequest, "follow the link again")
		s.shows(s.get("/console/organizations/org_01M89NW4ZRFK2VM2N1YE9DSNMM/waiting"), http.StatusNotFound, "")

		one := int64(1)
		_, err = entitle.In(org).UpdateAccount(ctx, a.ID, func(a *entitle.AccountFields) error {
			a.Seats = &one
			return nil
		})
		must(t, err)
		s.shows(s.get(path), http.StatusOK, "Nobody.")
	})
}
