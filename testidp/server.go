package testidp

import (
	"crypto/subtle"
	"net"
	"net/http"
	"path"
	"strings"
)

const maxForm = 64 << 10 // bytes

// routes lists the routes of the Server. Each GET and POST also answers in JSON if the request has
// "Accept: application/json", so that a script can use every button:
//
//	GET  /                                          the applications
//	GET  /applications/{n}                          people, groups and the requests that were sent
//	GET  /applications/{n}/people/{person}          one person
//	POST /applications/{n}/{test|provision}
//	POST /applications/{n}/people/{person}/{assign|unassign|delete|update}
//	POST /applications/{n}/groups/{group}/{push|delete|rename|add|remove}
//
//	GET  /applications/{n}/saml/metadata            the identity provider's metadata, always XML
//	GET  /applications/{n}/saml/sso                 an AuthnRequest by HTTP-Redirect
//	POST /applications/{n}/saml/sso                 an AuthnRequest by HTTP-POST
//	GET  /applications/{n}/saml/slo                 a logout message by HTTP-Redirect
//	POST /applications/{n}/saml/slo                 the same by HTTP-POST
//	POST /applications/{n}/saml/{sign-in|sign-out|open}
//	POST /applications/{n}/saml/connect             fields entity_id, acs_url and slo_url
//	POST /applications/{n}/people/{person}/open     an unsolicited sign-on
//
//	GET  {issuer}/.well-known/openid-configuration  the OpenID provider's discovery document
//	GET  /applications/{n}/oidc/{jwks|authorize|userinfo|logout}
//	POST /applications/{n}/oidc/{token|sign-in}
//	POST /applications/{n}/oidc/connect             fields client_id, client_secret, redirect_uri
//
// A sign-on in JSON returns the fields of the form that a browser would post: acs_url,
// saml_response and relay_state. Over OpenID Connect it returns redirect_to, the address to which a
// browser would go. The parameter person then is the id of the person.
//
// Update takes the form fields given_name, family_name, user_name, title, department, mobile and
// manager, and leaves missing ones as they are. Rename takes name; add and remove take person. A
// POST in JSON returns the Operation with status 200, or 502 if the SCIM server refused or did not
// answer.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /assets/style.css", s.style)
	mux.HandleFunc("GET /applications/{app}", s.with(s.application))
	mux.HandleFunc("GET /applications/{app}/people/{person}", s.with(s.person))
	mux.HandleFunc("POST /applications/{app}/{action}", s.act(applicationActions))
	mux.HandleFunc("POST /applications/{app}/people/{person}/{action}", s.act(personActions))
	mux.HandleFunc("POST /applications/{app}/groups/{group}/{action}", s.act(groupActions))
	mux.HandleFunc("GET /applications/{app}/saml/metadata", s.with(s.metadata))
	mux.HandleFunc("GET /applications/{app}/saml/sso", s.with(s.sso))
	mux.HandleFunc("POST /applications/{app}/saml/sso", s.with(s.sso))
	mux.HandleFunc("GET /applications/{app}/saml/slo", s.with(s.slo))
	mux.HandleFunc("POST /applications/{app}/saml/slo", s.with(s.slo))
	mux.HandleFunc("POST /applications/{app}/saml/sign-in", s.with(s.signIn))
	mux.HandleFunc("POST /applications/{app}/saml/sign-out", s.with(s.signOut))
	mux.HandleFunc("POST /applications/{app}/saml/open", s.with(s.open))
	mux.HandleFunc("POST /applications/{app}/saml/connect", s.with(s.connect))
	mux.HandleFunc("POST /applications/{app}/people/{person}/open", s.with(s.openAs))
	mux.HandleFunc("GET /applications/{app}/oidc/.well-known/openid-configuration", s.discovery)
	mux.HandleFunc("GET /applications/{app}/{tenant}/v2.0/.well-known/openid-configuration", s.discovery)
	mux.HandleFunc("GET /applications/{app}/oidc/jwks", s.with(s.jwks))
	mux.HandleFunc("GET /applications/{app}/oidc/authorize", s.with(s.authorize))
	mux.HandleFunc("GET /applications/{app}/oidc/userinfo", s.with(s.userInfo))
	mux.HandleFunc("GET /applications/{app}/oidc/logout", s.with(s.oidcLogout))
	mux.HandleFunc("POST /applications/{app}/oidc/token", s.with(s.token))
	mux.HandleFunc("POST /applications/{app}/oidc/sign-in", s.with(s.oidcSignIn))
	mux.HandleFunc("POST /applications/{app}/oidc/connect", s.with(s.connectOIDC))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, http.StatusNotFound, "There is no such page.")
	})
	return s.guard(mux)
}

// with finds the application that the path names, for a handler that needs it.
func (s *Server) with(next func(http.ResponseWriter, *http.Request, *Application)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a := s.find(r)
		if a == nil {
			s.fail(w, r, http.StatusNotFound, "There is no such application.")
			return
		}
		next(w, r, a)
	}
}

// guard refuses requests that other sites could make a visitor's browser send, and sets the headers
// of every response.
func (s *Server) guard(next http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; "+
			"base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		// DNS rebinding: an attacker can make the name of another site resolve to this address. The
		// scripts of that site could then read the pages.
		if !s.hosts[hostname(r.Host)] {
			s.fail(w, r, http.StatusForbidden, "This host name is not served. Use localhost or 127.0.0.1.")
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			foreign := takesForeignForms(r.URL.Path)
			if err := sameOrigin.Check(r); err != nil && !foreign {
				s.fail(w, r, http.StatusForbidden, "This request comes from another site.")
				return
			}
			if err := r.ParseForm(); err != nil {
				s.fail(w, r, http.StatusBadRequest,
					"The form cannot be read. Send fields as in an HTML form, at most 64 KiB.")
				return
			}
			if !foreign && !s.trusted(r) {
				s.fail(w, r, http.StatusForbidden, "The form's token is missing or old. "+
					"Load the page again, then repeat. A script sends Accept: application/json instead.")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// takesForeignForms reports whether forms of other sites may be posted to a path. The SAML
// endpoints change nothing: a visitor signs in on a page of ours. The token endpoint is for
// servers, which have the client's secret.
func takesForeignForms(p string) bool {
	for _, pattern := range []string{
		"/applications/*/saml/sso", "/applications/*/saml/slo", "/applications/*/oidc/token",
	} {
		if matched, err := path.Match(pattern, p); err == nil && matched {
			return true
		}
	}
	return false
}

// trusted reports whether a request comes from one of our forms, or from a script. Any site can
// make a browser post here, but not without an Origin header, and a form cannot ask for JSON. So a
// request that asks for JSON, and has no header that browsers add, is from a script.
func (s *Server) trusted(r *http.Request) bool {
	if subtle.ConstantTimeCompare([]byte(r.PostForm.Get("token")), []byte(s.formToken)) == 1 {
		return true
	}
	h := r.Header
	return wantsJSON(r) && h.Get("Origin") == "" && h.Get("Sec-Fetch-Site") == "" && h.Get("Referer") == ""
}

// hostname returns a host without its port, in lower case.
func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// wantsJSON reports whether the response should be JSON, as for a script.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}
