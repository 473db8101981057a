package oidc_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/sso/oidc"
)

// What the browser brings back is believed only where it is this provider's, and its error is told.
func TestAnswerOfTheBrowser(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		names  bool // the provider says that it sends iss
		answer string
		code   string
		reason oidc.Reason
	}{
		"a code":                       {answer: "code=1", code: "1"},
		"a code with the issuer":       {answer: "code=1&iss=https://idp.example", code: "1"},
		"a code of another provider":   {answer: "code=1&iss=https://other.example", reason: oidc.WrongResponseIss},
		"an error of another":          {answer: "error=x&iss=https://other.example", reason: oidc.WrongResponseIss},
		"no issuer where it is a must": {names: true, answer: "code=1", reason: oidc.MissingResponseIss},
		"the issuer where it is":       {names: true, answer: "code=1&iss=https://idp.example", code: "1"},
		"an error":                     {answer: "error=access_denied&code=1", reason: oidc.ProviderError},
		"nothing":                      {answer: "", reason: oidc.NoCode},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScripted("https://idp.example")
			s.document["authorization_response_iss_parameter_supported"] = c.names
			p, err := s.discover(t)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := url.ParseQuery(c.answer)
			if err != nil {
				t.Fatal(err)
			}
			code, err := p.ReadAnswer(answer)
			if got := reasonOf(t, err); got != c.reason || code != c.code {
				t.Errorf("%q, code %q: %v", got, code, err)
			}
		})
	}
}

// The provider's error and its description are both in the login log.
func TestErrorOfTheBrowserIsTold(t *testing.T) {
	t.Parallel()
	p, err := newScripted("https://idp.example").discover(t)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"error=x": "x", "error=x&error_description=y": "x: y",
	} {
		answer, _ := url.ParseQuery(text)
		_, err := p.ReadAnswer(answer)
		if refused, ok := errors.AsType[*oidc.Refused](err); !ok || refused.Received != want {
			t.Errorf("%s: %+v", text, refused)
		}
	}
}

// Some providers take the secret in the header, some in the body, and not all say which. The code
// is exchanged by the way that works, which is then remembered; a wrong secret changes nothing.
func TestSecretIsSentAsTheProviderTakesIt(t *testing.T) {
	t.Parallel()
	refusing := func(t *testing.T, s *scripted, inBody bool) {
		t.Helper()
		s.answers["/token"] = func(r *http.Request) (int, string) {
			sent := s.bodies["/token"]
			if strings.Contains(sent[len(sent)-1], "client_secret=") == inBody {
				return http.StatusOK, `{"access_token":"access","token_type":"Bearer","id_token":"x"}`
			}
			return http.StatusUnauthorized, `{"error":"invalid_client"}`
		}
	}
	for name, c := range map[string]struct {
		methods []string
		inBody  bool // how the provider really takes it
		first   int  // requests of the first exchange
		second  int  // requests of both
		fails   bool
	}{
		"nothing said, in the header": {first: 1, second: 2},
		"nothing said, in the body":   {inBody: true, first: 2, second: 3},
		"said, in the body":           {methods: []string{"client_secret_post"}, inBody: true, first: 1, second: 2},
		"both said, in the header": {
			methods: []string{"client_secret_post", "client_secret_basic"}, first: 1, second: 2,
		},
		"said falsely, in the header": {methods: []string{"client_secret_post"}, fails: true, first: 1, second: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScripted("https://idp.example")
			s.document["token_endpoint_auth_methods_supported"] = c.methods
			p, err := s.discover(t)
			if err != nil {
				t.Fatal(err)
			}
			refusing(t, s, c.inBody)
			for _, want := range []int{c.first, c.second} {
				_, err := p.Exchange(t.Context(), relying, "code", oidc.NewSecret())
				if (err != nil) != c.fails || c.fails && reasonOf(t, err) != oidc.ClientRefused {
					t.Error(err)
				}
				if s.requests["/token"] != want {
					t.Errorf("%d requests, not %d", s.requests["/token"], want)
				}
			}
		})
	}
	s, p := discovered(t)
	s.answers["/token"] = func(*http.Request) (int, string) {
		return http.StatusUnauthorized, `{"error":"invalid_client"}`
	}
	for range 2 { // a client that no way is right for is tried by both ways each time
		_, err := p.Exchange(t.Context(), relying, "code", oidc.NewSecret())
		if reasonOf(t, err) != oidc.ClientRefused {
			t.Error(err)
		}
	}
	if s.requests["/token"] != 4 {
		t.Errorf("%d requests", s.requests["/token"])
	}
}

// Each failure of the exchange has its own reason, since each is mended at another place.
func TestFailuresOfTheExchange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		reason oidc.Reason
	}{
		"an old code":               {http.StatusBadRequest, `{"error":"invalid_grant"}`, oidc.CodeRefused},
		"a client without the flow": {http.StatusBadRequest, `{"error":"unauthorized_client"}`, oidc.ClientRefused},
		"no error code":             {http.StatusBadGateway, `{}`, oidc.TokenError},
		"no ID token":               {http.StatusOK, `{"access_token":"a","token_type":"Bearer"}`, oidc.NoIDToken},
		"an ID token of no text": {
			http.StatusOK, `{"access_token":"a","token_type":"Bearer","id_token":1}`, oidc.NoIDToken,
		},
		"an ID token alone": {http.StatusOK, `{"id_token":"x"}`, ""},
		"neither token":     {http.StatusOK, `{"token_type":"Bearer"}`, oidc.TokenAnswer},
		"no JSON":           {http.StatusOK, `<html>`, oidc.TokenAnswer},
		"an ID token in an error": {
			http.StatusBadRequest, `{"error":"invalid_grant","id_token":"x"}`, oidc.CodeRefused,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := discovered(t)
			s.answers["/token"] = func(*http.Request) (int, string) { return c.status, c.body }
			_, err := p.Exchange(t.Context(), relying, "code", oidc.NewSecret())
			if got := reasonOf(t, err); got != c.reason {
				t.Errorf("%q: %v", got, err)
			}
			if s.requests["/elsewhere"] != 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

// A token endpoint that does not answer is told with its cause, for the server's log.
func TestUnreachableTokenEndpointHasACause(t *testing.T) {
	t.Parallel()
	s, p := discovered(t)
	s.down = errors.New("no route")
	_, err := p.Exchange(t.Context(), relying, "code", oidc.NewSecret())
	if reasonOf(t, err) != oidc.TokenUnreachable || !errors.Is(err, s.down) {
		t.Error(err)
	}
}

// What the token endpoint says of its error is told in its own words.
func TestErrorOfTheTokenEndpointIsTold(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error":"invalid_grant"}`:                               "invalid_grant",
		`{"error":"invalid_grant","error_description":"expired"}`: "invalid_grant: expired",
	} {
		s, p := discovered(t)
		s.answers["/token"] = func(*http.Request) (int, string) { return http.StatusBadRequest, body }
		_, err := p.Exchange(t.Context(), relying, "code", oidc.NewSecret())
		if refused, ok := errors.AsType[*oidc.Refused](err); !ok || refused.Received != want {
			t.Errorf("%s: %+v", body, refused)
		}
	}
}

// The client's secret never follows a redirect to another address.
func TestTokenEndpointIsNotRedirected(t *testing.T) {
	t.Parallel()
	s, p := discovered(t)
	s.answers["/token"] = func(*http.Request) (int, string) { return http.StatusTemporaryRedirect, "" }
	if _, err := p.Exchange(t.Context(), relying, "code", oidc.NewSecret()); reasonOf(t, err) == "" {
		t.Error("a redirect was taken for an answer")
	}
	if s.requests["/elsewhere"] != 0 {
		t.Error("the redirect was followed")
	}
}

// What a refusal shows of the sender's text is short and has no control characters.
func TestReceivedTextIsShort(t *testing.T) {
	t.Parallel()
	p, err := newScripted("https://idp.example").discover(t)
	if err != nil {
		t.Fatal(err)
	}
	for sent, want := range map[string]string{
		strings.Repeat("a", 300): strings.Repeat("a", 300),
		strings.Repeat("a", 301): strings.Repeat("a", 300) + "…",
		"a\nb\x00c":              "a b c",
		"a\xffb":                 "ab",
	} {
		_, err := p.ReadAnswer(url.Values{"error": {sent}})
		if refused, ok := errors.AsType[*oidc.Refused](err); !ok || refused.Received != want {
			t.Errorf("%.20q: %.20q", sent, refused.Received)
		}
	}
}
