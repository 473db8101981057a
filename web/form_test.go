package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/web"
)

// posted is a request that sends a form.
func posted(body string) echo.Context {
	r := httptest.NewRequest(http.MethodPost, "/page?name=query", strings.NewReader(body))
	r.Header.Set(echo.HeaderContentType, echo.MIMEApplicationForm)
	return echo.New().NewContext(r, httptest.NewRecorder())
}

func TestForm(t *testing.T) {
	sent, err := web.Form(posted("name=body"), "Open the page again", model.TooLarge)
	if err != nil || len(sent["name"]) != 1 || sent.Get("name") != "body" {
		t.Errorf("got %v %v, want what the body says alone", sent, err)
	}
	long := "name=" + strings.Repeat("x", 16<<10)
	for name, c := range map[string]struct {
		body    string
		tooLong model.Kind
		kind    model.Kind
		message string
	}{
		"too long for the console":  {long, model.TooLarge, model.TooLarge, "The form is too long."},
		"too long for a login page": {long, model.Invalid, model.Invalid, "Open the link again and try once more."},
		"not a form for the console": {"a=%zz", model.TooLarge, model.Invalid,
			"Open the link again and try once more."},
		"not a form for a login page":   {"a=%zz", model.Invalid, model.Invalid, "The form cannot be read."},
		"a separator that is not known": {"a=1;b=2", model.TooLarge, model.Invalid, "The form cannot be read."},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := web.Form(posted(c.body), "Open the link again", c.tooLong)
			if model.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.message) {
				t.Errorf("got %v %v", model.KindOf(err), err)
			}
		})
	}
}

func TestOwnForms(t *testing.T) {
	for _, c := range []struct {
		method, header, value string
		refused               bool
	}{
		{http.MethodPost, "Sec-Fetch-Site", "same-origin", false},
		{http.MethodPost, "Sec-Fetch-Site", "none", false},
		{http.MethodPost, "Sec-Fetch-Site", "cross-site", true},
		{http.MethodPost, "Sec-Fetch-Site", "same-site", true},
		{http.MethodPost, "Origin", "https://elsewhere.example", true},
		{http.MethodPost, "Origin", "http://example.com", false},
		{http.MethodGet, "Sec-Fetch-Site", "cross-site", false},
	} {
		r := httptest.NewRequest(c.method, "http://example.com/page", nil)
		r.Header.Set(c.header, c.value)
		served := false
		err := web.OwnForms(func(echo.Context) error {
			served = true
			return nil
		})(echo.New().NewContext(r, httptest.NewRecorder()))
		if served == c.refused || c.refused != (model.KindOf(err) == model.Denied) {
			t.Errorf("%s with %s: %s: served %v, error %v", c.method, c.header, c.value, served, err)
		}
	}
}

func TestBearer(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "BEARER   abc ": "abc", "Bearer": "", "Bearer ": "", "Basic abc": "",
		"": "", "abc": "",
	} {
		if got := web.Bearer(http.Header{echo.HeaderAuthorization: {header}}); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
	if got := web.Bearer(http.Header{}); got != "" {
		t.Errorf("without a header: %q", got)
	}
}

func TestCookies(t *testing.T) {
	for url, want := range map[string]string{"https://rollcall.example": "__Host-session",
		"http://localhost:8080": "session"} {
		cookies := web.CookiesAt(url)
		if got := cookies.Name("session"); got != want || cookies.Secure != strings.HasPrefix(want, "__Host-") {
			t.Errorf("%s: %q, secure %v", url, got, cookies.Secure)
		}
		r := httptest.NewRequest(http.MethodGet, url, nil)
		r.AddCookie(&http.Cookie{Name: want, Value: "token"})
		c := echo.New().NewContext(r, httptest.NewRecorder())
		if got := cookies.Read(c, "session"); got != "token" {
			t.Errorf("%s: read %q", url, got)
		}
		if got := cookies.Read(c, "other"); got != "" {
			t.Errorf("%s: a cookie that was not sent is %q", url, got)
		}
	}
}
