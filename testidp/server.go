package testidp

import (
	"crypto/subtle"
	"net"
	"net/http"
	"path"
	"strings"
)

const maxForm = 64 << 10 // bytes

// routes lists what the Server answers. Each GET and POST also answers JSON when the request has
// "Accept: application/json", so that a script can press every button:
//
//	GET  /                                               the applications
//	GET  /applications/{n}                               people, groups and what was sent
//	GET  /applications/{n}/people/{person}               one person
//	POST /applications/{n}/{test|provision}
//	POST /applications/{n}/people/{person}/{assign|unassign|delete|update}
//	POST /applications/{n}/groups/{group}/{push|delete|rename|add|remove}
//
//	GET  /applications/{n}/saml/metadata                 the identity provider's metadata, always XML
//	GET  /applications/{n}/saml/sso                      an AuthnRequest by HTTP-Redirect
//	POST /applications/{n}/saml/sso                      an AuthnRequest by HTTP-POST
//	POST /applications/{n}/saml/{sign-in|sign-out|open}
//	POST /applications/{n}/saml/connect                  the form fields entity_id and acs_url
//	POST /applications/{n}/people/{person}/open          sign in with nobody having asked
//
//	GET  {issuer}/.well-known/openid-configuration       the OpenID provider's discovery document
//	GET  /applications/{n}/oidc/{jwks|authorize|userinfo|logout}
//	POST /applications/{n}/oidc/{token|sign-in}
//	POST /applications/{n}/oidc/connect                  client_id, client_secret and redirect_uri
//
// Whatever signs in answers, in JSON, the fields of the form that a browser would post: acs_url,
// saml_response and relay_state; over OpenID Connect redirect_to, where the browser would go. The
// parameter person then names who it is.
//
// Update takes the form fields given_name, family_name, user_name, title, department, mobile and
// manager, and leaves those that are missing; rename takes name; add and remove take person. A POST
// in JSON answers the Operation: 200, or 502 when the SCIM server refused or could not be reached.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /assets/style.css", s.style)
	mux.HandleFunc("GET /applications/{app}", s.application)
	mux.HandleFunc("GET /applications/{app}/people/{person}", s.person)
	mux.HandleFunc("POST /applications/{app}/{action}", s.act(applicationActions))
	mux.HandleFunc("POST /applications/{app}/people/{person}/{action}", s.act(personActions))
	mux.HandleFunc("POST /applications/{app}/groups/{group}/{action}", s.act(groupActions))
	mux.HandleFunc("GET /applications/{app}/saml/metadata", s.metadata)
	mux.HandleFunc("GET /applications/{app}/saml/sso", s.sso)
	mux.HandleFunc("POST /applications/{app}/saml/sso", s.sso)
	mux.HandleFunc("POST /applications/{app}/saml/sign-in", s.signIn)
	mux.HandleFunc("POST /applications/{app}/saml/sign-out", s.signOut)
	mux.HandleFunc("POST /applications/{app}/saml/open", s.open)
	mux.HandleFunc("POST /applications/{app}/saml/connect", s.connect)
	mux.HandleFunc("POST /applications/{app}/people/{person}/open", s.openAs)
	mux.HandleFunc("GET /applications/{app}/oidc/.well-known/openid-configuration", s.discovery)
	mux.HandleFunc("GET /applications/{app}/{tenant}/v2.0/.well-known/openid-configuration", s.discovery)
	mux.HandleFunc("GET /applications/{app}/oidc/jwks", s.jwks)
	mux.HandleFunc("GET /applications/{app}/oidc/authorize", s.authorize)
	mux.HandleFunc("GET /applications/{app}/oidc/userinfo", s.userInfo)
	mux.HandleFunc("GET /applications/{app}/oidc/logout", s.oidcLogout)
	mux.HandleFunc("POST /applications/{app}/oidc/token", s.token)
	mux.HandleFunc("POST /applications/{app}/oidc/sign-in", s.oidcSignIn)
	mux.HandleFunc("POST /applications/{app}/oidc/connect", s.connectOIDC)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, http.StatusNotFound, "There is no such page.")
	})
	return s.guard(mux)
}

// guard refuses what other sites could make a visitor's browser send, and sets the headers that
// every answer has.
func (s *Server) guard(next http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; "+
			"base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		// DNS rebinding: another site's name may be made to resolve to this address, and its
		// scripts could then read the pages as their own.
		if !s.hosts[hostname(r.Host)] {
			s.fail(w, r, http.StatusForbidden, "This host name is not served. Use localhost or 127.0.0.1.")
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			asked := takesForeignForms(r.URL.Path)
			if err := sameOrigin.Check(r); err != nil && !asked {
				s.fail(w, r, http.StatusForbidden, "This request comes from another site.")
				return
			}
			if err := r.ParseForm(); err != nil {
				s.fail(w, r, http.StatusBadRequest, "The form cannot be read. Send fields as in an HTML form, at most 64 KiB.")
				return
			}
			if !asked && !s.trusted(r) {
				s.fail(w, r, http.StatusForbidden, "The form's token is missing or old. Load the page again, then repeat. "+
					"A script sends Accept: application/json instead.")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// takesForeignForms says that a path is where other sites' forms belong: it changes nothing, and
// whom a browser says to be is asked on a page of ours. The token endpoint is for servers, which
// have the client's secret.
func takesForeignForms(p string) bool {
	for _, pattern := range []string{"/applications/*/saml/sso", "/applications/*/oidc/token"} {
		if matched, err := path.Match(pattern, p); err == nil && matched {
			return true
		}
	}
	return false
}

// trusted says that a request comes from one of our forms, or from a script. A browser can be made
// to post here by any site, but not without an Origin header, and a form cannot ask for JSON; so
// what asks for JSON and has none of the headers that browsers add is a script.
func (s *Server) trusted(r *http.Request) bool {
	if subtle.ConstantTimeCompare([]byte(r.PostForm.Get("token")), []byte(s.formToken)) == 1 {
		return true
	}
	h := r.Header
	return wantsJSON(r) && h.Get("Origin") == "" && h.Get("Sec-Fetch-Site") == "" && h.Get("Referer") == ""
}

func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}
