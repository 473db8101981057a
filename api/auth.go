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
)

// bootstrapActor acts with the bootstrap key (docs/design/store.md, "Secrets").
const bootstrapActor model.Actor = "operator:bootstrap"

// key is an API key: who acts with it, and on which organizations.
type key struct {
	actor    model.Actor
	scope    model.Scope
	operator bool // the bootstrap key

	application string // whose key it is; empty for the operator's
}

// trusted tells whether the key's holder may decide what concerns other organizations, too: that an
// e-mail domain is proven, which takes it from everybody else, or that people outside the proven
// domains may sign in. A key of every organization could do as much in each of them anyway, and
// users of the reference's SDKs expect it to; a key of some organizations must not reach past these.
func (k key) trusted() bool { return k.scope.All() }

var (
	errUnauthorized = &coded{http.StatusUnauthorized, "unauthorized",
		model.Deniedf("the API key is missing or unknown; send one as Authorization: Bearer sk_…")}
	errOperatorOnly = model.Deniedf("applications are managed with the operator's API key (ROLLCALL_API_KEY), not with an application's")
	errUntrusted    = model.Deniedf("this key reaches some organizations only: it may add pending domains, " +
		"but verified ones and profiles outside the organization take the operator's key or one that reaches all organizations")
	errForce = model.Deniedf("only the operator's API key (ROLLCALL_API_KEY) takes a domain from another organization at once; prove it by its DNS record, and it comes over after the other one's notice")
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
		return handle(&call{Context: c, store: s.Store, key: k, query: query})
	}
}

func (s *Server) authenticate(r *http.Request) (key, error) {
	scheme, token, _ := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return key{}, errUnauthorized
	}
	if s.isBootstrap(token) {
		return key{actor: bootstrapActor, scope: model.Everywhere(), operator: true}, nil
	}
	k, scope, err := s.Store.APIKey(r.Context(), token)
	if model.KindOf(err) == model.Denied {
		return key{}, errUnauthorized
	}
	if err != nil {
		return key{}, err
	}
	return key{actor: k.Actor(), scope: scope, application: k.ApplicationID}, nil
}

// isBootstrap compares hashes, in constant time: neither how much of the key nor how much of its
// length was guessed can be told from the time.
func (s *Server) isBootstrap(token string) bool {
	sent, own := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.BootstrapKey))
	return s.BootstrapKey != "" && subtle.ConstantTimeCompare(sent[:], own[:]) == 1
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

// readable returns the query, and makes the path's parameters decoded ones. It refuses what is not
// text, which no database takes as a value.
func readable(c echo.Context) (url.Values, error) {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	texts := append([]string{}, c.ParamValues()...)
	if c.Request().URL.RawPath != "" {
		// Echo routes by the encoded path where that matters, as with %2F, and leaves it encoded.
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
