package main

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// visitor is the state of one browser. The access token is kept only here, on the server.
type visitor struct {
	until    time.Time
	attempts []attempt
	token    string
	profile  profile
	cursor   string // the newest event at the sign-in; the event that ends access comes later
	ended    *ending
}

// attempt is a sign-in that this browser has begun.
type attempt struct {
	state, verifier string
	until           time.Time
}

// ending is why and when a user's access ended. Reason is empty when there is no event about it.
type ending struct {
	Reason string
	At     time.Time
}

const (
	visitCookie   = "proseware_analytics"
	maxVisits     = 1000
	maxAttempts   = 8                // sign-ins begun in one browser, as in several tabs
	signInLasts   = 10 * time.Minute // from its begin to the callback
	endedIsShown  = time.Hour
	maxErrorShown = 300 // bytes of a text from another server
)

// visitOf returns the visit of the browser that sent r, and its id. It returns the zero visit if
// there is none.
func (a *analytics) visitOf(r *http.Request) (id string, v visitor) {
	cookie, err := r.Cookie(visitCookie)
	if err != nil {
		return "", visitor{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if v = a.visits[cookie.Value]; !time.Now().Before(v.until) {
		return "", visitor{}
	}
	return cookie.Value, v
}

// keep adds a visit. When there are too many visits, it removes the one that would end first.
func (a *analytics) keep(id string, v visitor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.visits) >= maxVisits {
		var first string
		for other := range a.visits {
			if first == "" || a.visits[other].until.Before(a.visits[first].until) {
				first = other
			}
		}
		delete(a.visits, first)
	}
	a.visits[id] = v
}

// change changes a visit unless it has ended.
func (a *analytics) change(id string, how func(*visitor)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v, ok := a.visits[id]; ok {
		how(&v)
		a.visits[id] = v
	}
}

func (a *analytics) forget(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.visits, id)
}

// take removes the sign-in with the state and returns it. It is not ok if the sign-in is unknown or
// too old.
func (a *analytics) take(id, state string) (begun attempt, ok bool) {
	a.change(id, func(now *visitor) {
		i := slices.IndexFunc(now.attempts, func(b attempt) bool { return b.state == state })
		if i < 0 {
			return
		}
		begun = now.attempts[i]
		ok = time.Now().Before(begun.until)
		now.attempts = without(now.attempts, begun)
	})
	return begun, ok
}

func without(attempts []attempt, one attempt) []attempt {
	return slices.DeleteFunc(slices.Clone(attempts), func(b attempt) bool { return b == one })
}

// setCookie sets the cookie of a visit. It is Lax, so that browsers send it when Rollcall redirects
// back.
func (a *analytics) setCookie(w http.ResponseWriter, id string) {
	http.SetCookie(w, &http.Cookie{
		Name: visitCookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(a.url, "https:"),
	})
}

// analyticsPage is what the pages show.
type analyticsPage struct {
	Tenants         []tenant
	Rollcall        string
	Profile         profile
	Name, Initials  string
	Company         tenant
	Looked          time.Time
	Ended           *ending
	Title, Text     string // of a problem
	Code, CodeMeans string // of an error that Rollcall answered
	State           string // look.js reloads the page when it changes
}

func (a *analytics) view(v visitor) analyticsPage {
	p := analyticsPage{Tenants: a.tenants, Rollcall: a.rollcall, Profile: v.profile, Looked: time.Now(), Ended: v.ended}
	var names []string
	for _, n := range []*string{v.profile.FirstName, v.profile.LastName} {
		if n != nil && *n != "" {
			names = append(names, *n)
			first, _ := utf8.DecodeRuneInString(*n)
			p.Initials += string(first)
		}
	}
	if p.Name = strings.Join(names, " "); p.Name == "" {
		p.Name = v.profile.Email
	}
	p.Company = tenant{v.profile.OrganizationID, v.profile.OrganizationID}
	for _, t := range a.tenants {
		if t.Organization == v.profile.OrganizationID {
			p.Company = t
		}
	}
	return p
}

// problem is the view of a failure. The code and its meaning are those of Rollcall's error, if any.
func (a *analytics) problem(title, text, code, means string) analyticsPage {
	p := a.view(visitor{})
	p.Title, p.Text, p.Code, p.CodeMeans = title, text, shortened(code), shortened(means)
	return p
}

func shortened(text string) string {
	if len(text) <= maxErrorShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxErrorShown], "") + " …"
}

// unavailable answers when Rollcall does not. It shows no data of the user, who may have lost
// access.
func (a *analytics) unavailable(w http.ResponseWriter, err error) {
	told := ""
	if refused, ok := errors.AsType[*refusal](err); ok {
		told = refused.Error()
	}
	a.page(w, http.StatusBadGateway, "problem", a.problem("Rollcall does not answer",
		"Without its word nobody is let in. Try again in a moment.", told, ""))
}

func (a *analytics) page(w http.ResponseWriter, status int, name string, p analyticsPage) {
	p.State = name
	var b bytes.Buffer
	if err := a.pages.ExecuteTemplate(&b, name+".html", p); err != nil {
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser may have closed the connection
}

// Words explains to the user why access ended.
func (e *ending) Words() string {
	switch e.Reason {
	case "deprovisioned":
		return "Your company's identity provider no longer assigns this application to you."
	case "deleted":
		return "Your company's identity provider deleted your account."
	case "directory_deleted":
		return "Your company disconnected its directory."
	case "revoked":
		return "An administrator ended all of your sessions."
	case "role_changed":
		return "Your role was changed. Sign in again to go on with the new one."
	case "connection_changed":
		return "Your company changed how it signs in."
	case "":
		return "Your session has ended: you signed out elsewhere, signed in anew, or it ran out."
	}
	return "Rollcall gives the reason " + shortened(e.Reason) + "."
}
