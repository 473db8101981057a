package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/web"
)

// bootstrapActor is the actor of calls with the bootstrap key (docs/design/store.md, "Secrets").
const bootstrapActor model.Actor = "operator:bootstrap"

// key is an API key: the actor, and the organizations that it reaches.
type key struct {
	actor    model.Actor
	scope    model.Scope
	operator bool // the bootstrap key

	application string // the application that the key belongs to; empty for the operator's key
}

// trusted tells whether a call with this key may decide what affects other organizations: that an
// e-mail domain is proven, which takes it from any other organization, or that people outside the
// proven domains may sign in. A key that reaches all organizations may, because it could do as much
// in each of them, and because users of the reference's SDKs expect it. A key that reaches some
// organizations must not affect others.
func (k key) trusted() bool { return k.scope.All() }

var (
	errUnauthorized = &coded{http.StatusUnauthorized, "unauthorized",
		model.Deniedf("the API key is missing or unknown; send one as Authorization: Bearer sk_…")}
	errOperatorOnly = model.Deniedf("applications are managed with the operator's API key (ROLLCALL_API_KEY), not " +
		"with an application's")
	errUntrusted = model.Deniedf("this key reaches some organizations only: it may add pending domains, " +
		"but verified ones and profiles outside the organization take the operator's key or one that reaches all " +
		"organizations")
	errSlug = model.Deniedf("this key reaches some organizations only: Rollcall makes the slugs of these, since " +
		"slugs are unique over all organizations")
	errForce = model.Deniedf("only the operator's API key (ROLLCALL_API_KEY) takes a domain from another " +
		"organization at once; prove it by its DNS record, and it comes over after the other one's notice")
)

// authenticated admits calls with a known API key.
func (s *Server) authenticated(handle handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		k, err := s.authenticate(c.Request())
		if err != nil {
			return err
		}
		query, err := readable(c)
		if err != nil {
			return err
		}
		again := func() error {
			_, err := s.authenticate(c.Request())
			return err
		}
		return handle(&call{Context: c, store: s.Store, key: k, query: query, again: again})
	}
}

func (s *Server) authenticate(r *http.Request) (key, error) {
	token := web.Bearer(r.Header)
	if token == "" {
		return key{}, errUnauthorized
	}
	if s.isBootstrap(token) {
		return key{actor: bootstrapActor, scope: model.Everywhere(), operator: true}, nil
	}
	k, scope, err := organization.Across(s.Store).APIKey(r.Context(), token)
	if model.KindOf(err) == model.Denied {
		return key{}, errUnauthorized
	}
	if err != nil {
		return key{}, err
	}
	return key{actor: k.Actor(), scope: scope, application: k.ApplicationID}, nil
}

// isBootstrap compares hashes in constant time with each of the operator's keys, so that the time
// reveals neither the length of a key, nor how much of it was guessed, nor which one it is.
func (s *Server) isBootstrap(token string) bool {
	sent, found := sha256.Sum256([]byte(token)), 0
	for text := range strings.SplitSeq(s.BootstrapKey, ",") {
		if text = strings.TrimSpace(text); text != "" {
			own := sha256.Sum256([]byte(text))
			found |= subtle.ConstantTimeCompare(sent[:], own[:])
		}
	}
	return found == 1
}

// operators admits only the operator's key.
func (s *Server) operators(handle handler) handler {
	return func(c *call) error {
		if !c.key.operator {
			return errOperatorOnly
		}
		return handle(c)
	}
}

// readable returns the query, and decodes the parameters of the path. It refuses bytes that are not
// text, because no database accepts them as a value.
func readable(c echo.Context) (url.Values, error) {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	texts := append([]string{}, c.ParamValues()...)
	if c.Request().URL.RawPath != "" {
		// Where it matters, as with %2F, Echo routes by the encoded path and leaves parameters
		// encoded.
		for i, t := range texts {
			decoded, wrong := url.PathUnescape(t)
			texts[i], err = decoded, errors.Join(err, wrong)
		}
		c.SetParamValues(texts...)
	}
	for _, values := range query {
		texts = append(texts, values...)
	}
	for _, t := range texts {
		if !utf8.ValidString(t) || strings.ContainsRune(t, 0) {
			err = errors.Join(err, errors.New("not text"))
		}
	}
	if err != nil {
		return nil, &coded{http.StatusBadRequest, "invalid_request", &model.Error{Kind: model.Invalid, Err: err,
			Message: "the path or query is not URL-encoded UTF-8 text"}}
	}
	return query, nil
}
