package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// analytics is "Proseware Analytics", the application of the demo. It is written as a developer who
// uses Rollcall would write it: it makes five HTTP calls and imports no package of Rollcall.
type analytics struct {
	analyticsOptions
	client *http.Client
	pages  *template.Template

	mu     sync.Mutex
	visits map[string]visitor // by the value of the browser's cookie
}

// analyticsOptions are the settings of the application.
type analyticsOptions struct {
	rollcall string // the URL of Rollcall, for the browser and for this server
	url      string // its own URL
	clientID string
	secret   string // the client secret, which is the API key as well
	tenants  []tenant
}

// tenant is a company that has bought the application.
type tenant struct{ Name, Organization string }

//go:embed demoapp
var analyticsFiles embed.FS

// newAnalytics makes the application. The error says which of its pages is broken.
func newAnalytics(o analyticsOptions) (*analytics, error) {
	pages, err := template.ParseFS(analyticsFiles, "demoapp/*.html")
	if err != nil {
		return nil, fmt.Errorf("the application's pages: %w", err)
	}
	return &analytics{
		analyticsOptions: o, pages: pages, visits: map[string]visitor{},
		client: &http.Client{Timeout: 10 * time.Second},
	}, nil
}

// serve answers on the listener until ctx ends.
func (a *analytics) serve(ctx context.Context, l net.Listener) error {
	s := &http.Server{Handler: a.routes(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (a *analytics) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /login", a.login) // the application's initiate_login_uri as well
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("POST /sign-out", a.signOut)
	for _, name := range []string{"style.css", "icon.svg", "look.js"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, analyticsFiles, "demoapp/"+name)
		})
	}
	sameOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		// There is no form-action, because browsers apply it to redirects too, and the form that
		// signs out redirects to Rollcall and from there to the company's identity provider.
		h.Set("Content-Security-Policy",
			"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "+
				"base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // the callback's address contains a code
		h.Set("Cache-Control", "no-store")
		sameOrigin.Handler(mux).ServeHTTP(w, r)
	})
}

// home shows the user. It asks Rollcall for the profile at each request.
func (a *analytics) home(w http.ResponseWriter, r *http.Request) {
	id, v := a.visitOf(r)
	switch {
	case v.ended != nil:
		a.page(w, http.StatusOK, "ended", a.view(v))
		return
	case v.token == "":
		a.page(w, http.StatusOK, "welcome", a.view(v))
		return
	}
	var now profile
	err := a.ask(r.Context(), http.MethodGet, "/sso/profile", v.token, nil, &now)
	refused, isRefused := errors.AsType[*refusal](err)
	switch {
	case err == nil:
		v.profile = now
		a.page(w, http.StatusOK, "signedin", a.view(v))
		return
	case !isRefused || refused.status != http.StatusUnauthorized:
		a.unavailable(w, err)
		return
	}
	if v.ended, err = a.whyEnded(r.Context(), v); err != nil {
		a.unavailable(w, err)
		return
	}
	a.change(id, func(now *visitor) {
		if now.token == v.token { // not if another tab has signed in again meanwhile
			now.token, now.ended, now.until = "", v.ended, time.Now().Add(endedIsShown)
		}
	})
	a.page(w, http.StatusOK, "ended", a.view(v))
}

var (
	connectionID   = regexp.MustCompile(`^conn_[0-9A-Za-z-]{1,64}$`)
	organizationID = regexp.MustCompile(`^org_[0-9A-Za-z-]{1,64}$`)
)

// login redirects the browser to Rollcall. The state binds the answer to this browser, and the
// challenge belongs to a secret of this server (RFC 7636).
func (a *analytics) login(w http.ResponseWriter, r *http.Request) {
	begun := attempt{state: rand.Text(), verifier: rand.Text() + rand.Text(), until: time.Now().Add(signInLasts)}
	challenge := sha256.Sum256([]byte(begun.verifier))
	query := url.Values{
		"client_id": {a.clientID}, "redirect_uri": {a.url + "/callback"}, "response_type": {"code"},
		"state":          {begun.state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	q := r.URL.Query()
	connection, organization := q.Get("connection"), q.Get("organization")
	switch {
	case q.Has("iss") && q.Get("iss") != a.rollcall: // OpenID Connect Core §4: the issuer to sign in at
		a.page(w, http.StatusBadRequest, "problem", a.problem("This sign-in is not ours",
			"It was started by a server that this application does not know.", "", ""))
		return
	case connectionID.MatchString(connection):
		query.Set("connection", connection)
	case organizationID.MatchString(organization):
		query.Set("organization", organization)
	default:
		a.page(w, http.StatusBadRequest, "problem", a.problem("Whose people are you?",
			"This address names no organization or connection. Choose your company on the start page.", "", ""))
		return
	}
	id, v := a.visitOf(r)
	if v.until.IsZero() {
		id = rand.Text() + rand.Text()
		a.keep(id, visitor{until: begun.until})
		a.setCookie(w, id)
	}
	a.change(id, func(now *visitor) {
		now.attempts = append(slices.Clone(now.attempts), begun)
		now.attempts = now.attempts[max(0, len(now.attempts)-maxAttempts):]
		if now.until.Before(begun.until) {
			now.until = begun.until
		}
	})
	http.Redirect(w, r, a.rollcall+"/sso/authorize?"+query.Encode(), http.StatusSeeOther)
}

// callback is the redirect URI. It exchanges the code for an access token and the profile.
func (a *analytics) callback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	id, v := a.visitOf(r)
	begun, ok := a.take(id, q.Get("state"))
	switch {
	case !ok && v.token != "": // the back button
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	case !ok:
		// The error in the address is not shown, because anyone can make such an address.
		a.page(w, http.StatusBadRequest, "problem", a.problem("This sign-in is not known here",
			"It was begun in another browser, came back before, or took longer than ten minutes. Begin again.", "", ""))
		return
	case q.Get("error") != "":
		a.page(w, http.StatusForbidden, "problem", a.problem("You were not signed in",
			"Rollcall answered with an error instead of a code.", q.Get("error"), q.Get("error_description")))
		return
	}
	signedIn, err := a.exchange(r.Context(), q.Get("code"), begun.verifier)
	refused, isRefused := errors.AsType[*refusal](err)
	switch {
	case isRefused && refused.status < http.StatusInternalServerError:
		a.page(w, http.StatusForbidden, "problem", a.problem("You were not signed in",
			"Rollcall did not take the code.", refused.Code, refused.Description))
		return
	case err != nil:
		a.unavailable(w, err)
		return
	}
	// The browser gets a new cookie, because another person may know the one from before the
	// sign-in.
	a.forget(id)
	id = rand.Text() + rand.Text()
	signedIn.attempts = without(v.attempts, begun)
	a.keep(id, signedIn)
	a.setCookie(w, id)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// exchange exchanges a code for an access token and the profile. It reads the newest event first,
// so that an event which ends this access comes after it.
func (a *analytics) exchange(ctx context.Context, code, verifier string) (visitor, error) {
	cursor, err := a.newestEvent(ctx)
	if err != nil {
		return visitor{}, err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
		Profile     profile
	}
	err = a.ask(ctx, http.MethodPost, "/sso/token", "", url.Values{
		"client_id": {a.clientID}, "client_secret": {a.secret}, "grant_type": {"authorization_code"},
		"code": {code}, "code_verifier": {verifier}, "redirect_uri": {a.url + "/callback"},
	}, &answer)
	return visitor{
		until: time.Now().Add(time.Duration(answer.ExpiresIn) * time.Second),
		token: answer.AccessToken, profile: answer.Profile, cursor: cursor,
	}, err
}

// signOut ends the visit here and the session at Rollcall.
func (a *analytics) signOut(w http.ResponseWriter, r *http.Request) {
	id, v := a.visitOf(r)
	a.forget(id)
	http.SetCookie(w,
		&http.Cookie{Name: visitCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	next := "/"
	if v.token != "" {
		var answer struct {
			LogoutURL string `json:"logout_url"`
		}
		// When this fails, the visit here has ended, and Rollcall's session expires later.
		err := a.ask(r.Context(), http.MethodPost, "/sso/logout/authorize", a.secret,
			map[string]string{"profile_id": v.profile.ID}, &answer)
		if err == nil && strings.HasPrefix(answer.LogoutURL, a.rollcall+"/") {
			next = answer.LogoutURL
		}
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
