package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// startAnalytics serves the application alone. No server listens at its address of Rollcall.
func startAnalytics(t *testing.T) *analytics {
	t.Helper()
	a, err := newAnalytics(analyticsOptions{
		rollcall: "http://" + freeAddress(t), clientID: "app_1", secret: "sk_secret",
		tenants: []tenant{{"Contoso", "org_1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(a.routes())
	t.Cleanup(s.Close)
	a.url = s.URL
	return a
}

// begin begins a sign-in and returns the query that the application sends to Rollcall.
func (a *analytics) begin(t *testing.T, w *walker) url.Values {
	t.Helper()
	return w.send(http.MethodGet, a.url+"/login?organization=org_1", nil, a.rollcall).url.Query()
}

func TestApplicationBeginsASignIn(t *testing.T) {
	t.Parallel()
	a := startAnalytics(t)
	w := newWalker(t)
	asked := a.begin(t, w)
	for name, want := range map[string]string{
		"client_id": "app_1", "redirect_uri": a.url + "/callback", "response_type": "code", "organization": "org_1",
		"code_challenge_method": "S256",
	} {
		if asked.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, asked.Get(name), want)
		}
	}
	if len(asked.Get("code_challenge")) != 43 || asked.Get("state") == "" || asked.Has("client_secret") {
		t.Errorf("it asks %v", asked)
	}
	again := a.begin(t, w)
	if again.Get("state") == asked.Get("state") || again.Get("code_challenge") == asked.Get("code_challenge") {
		t.Error("a second sign-in has the first one's secrets")
	}
	for query, status := range map[string]int{
		"":                                      http.StatusBadRequest,
		"organization=conn_1":                   http.StatusBadRequest,
		"organization=org_1%26prompt%3Dnone":    http.StatusBadRequest,
		"connection=conn_1%0d%0aSet-Cookie:x=1": http.StatusBadRequest,
		"connection=conn_1&iss=https%3A%2F%2Fevil.example":     http.StatusBadRequest,
		"connection=conn_1&iss=" + url.QueryEscape(a.rollcall): 0, // goes to Rollcall
	} {
		if at := w.send(http.MethodGet, a.url+"/login?"+query, nil, a.rollcall); at.status != status {
			t.Errorf("/login?%s: %d, want %d", query, at.status, status)
		}
	}
}

func TestApplicationTakesOnlyAnswersThatItAskedFor(t *testing.T) {
	t.Parallel()
	a := startAnalytics(t)
	w := newWalker(t)
	callback := func(w *walker, q url.Values) visited { return w.open(a.url + "/callback?" + q.Encode()) }
	asked := a.begin(t, w)
	evil := `<script>alert(1)</script>`
	const unknown = "This sign-in is not known here"
	foreign := callback(newWalker(t),
		url.Values{"state": {asked.Get("state")}, "error": {"access_denied"}, "error_description": {evil}})
	foreign.shows(t, "another browser's state", http.StatusBadRequest, unknown)
	if strings.Contains(foreign.body, "access_denied") || strings.Contains(foreign.body, "alert(1)") {
		t.Errorf("anybody's text is shown: %s", foreign.body)
	}
	callback(w, url.Values{"state": {"x"}, "code": {"y"}}).shows(t, "a state of nobody", http.StatusBadRequest, unknown)
	callback(w, url.Values{"code": {"y"}}).shows(t, "no state", http.StatusBadRequest, unknown)

	q := url.Values{"state": {asked.Get("state")}, "error": {"access_denied"},
		"error_description": {evil + strings.Repeat("ä", 2000)}}
	told := callback(w, q)
	told.shows(t, "an error", http.StatusForbidden, "You were not signed in", "access_denied", "alert(1)")
	if strings.Contains(told.body, evil) || len(told.body) > 4000 || !strings.Contains(told.body, "ä …") {
		t.Errorf("the error's text is not escaped, not cut, or cut within a letter: %s", told.body)
	}
	callback(w, q).shows(t, "a state used twice", http.StatusBadRequest, unknown)

	if v := a.visits[w.cookies["127.0.0.1"][visitCookie]]; v.token != "" {
		t.Error("somebody is signed in")
	}
	down := callback(w, url.Values{"state": {a.begin(t, w).Get("state")}, "code": {"y"}})
	down.shows(t, "without Rollcall", http.StatusBadGateway, "Rollcall does not answer")
	for _, at := range []visited{foreign, told, down} {
		policy := at.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("the page has the policy %q", policy)
		}
	}
}

func TestApplicationShowsNobodyWithoutRollcall(t *testing.T) {
	t.Parallel()
	a := startAnalytics(t)
	name := "Ada"
	a.keep("id",
		visitor{until: time.Now().Add(time.Hour), token: "rc_at_1", profile: profile{ID: "prof_1", FirstName: &name}})
	w := newWalker(t)
	w.cookies["127.0.0.1"] = map[string]string{visitCookie: "id"}
	at := w.open(a.url + "/")
	at.shows(t, "without Rollcall", http.StatusBadGateway, "Rollcall does not answer")
	if strings.Contains(at.body, name) || strings.Contains(at.body, "rc_at_1") {
		t.Errorf("it shows somebody: %s", at.body)
	}
	// A form of another site does not sign out. The application's own form does, even when Rollcall
	// does not answer.
	r, err := http.NewRequest(http.MethodPost, a.url+"/sign-out", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.AddCookie(&http.Cookie{Name: visitCookie, Value: "id"})
	foreign, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = foreign.Body.Close()
	if _, stays := a.visits["id"]; foreign.StatusCode != http.StatusForbidden || !stays {
		t.Errorf("another site's form: %d, and the visit stays: %t", foreign.StatusCode, stays)
	}
	w.send(http.MethodPost, a.url+"/sign-out", url.Values{}, "").shows(t, "signed out", http.StatusOK,
		"Sign in with SSO")
}

func TestApplicationBoundsWhatItRemembers(t *testing.T) {
	t.Parallel()
	a := startAnalytics(t)
	a.keep("last", visitor{until: time.Now().Add(time.Hour)})
	for range maxVisits + 10 {
		a.keep(time.Now().String(), visitor{until: time.Now().Add(time.Minute)})
	}
	if _, stays := a.visits["last"]; len(a.visits) > maxVisits || !stays {
		t.Errorf("%d visits, and the one that lasts longest stays: %t", len(a.visits), stays)
	}
	w := newWalker(t)
	first := a.begin(t, w)
	for range maxAttempts {
		a.begin(t, w)
	}
	if at := w.open(a.url + "/callback?state=" + first.Get("state")); at.status != http.StatusBadRequest {
		t.Errorf("the oldest of too many sign-ins: %d", at.status)
	}
}
