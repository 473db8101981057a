//go:build interop

package sso_test

import (
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// visitor is a browser in the hands of a person: it follows redirects, keeps cookies, and shows
// pages, whose forms wait to be posted. It stops at the application, which does not exist.
type visitor struct {
	t    *testing.T
	http http.Client
}

// loopbackJar keeps cookies as browsers do, which take loopback for secure over http as well, where
// Go's jar withholds a Secure cookie.
type loopbackJar struct{ http.CookieJar }

func asSecure(u *url.URL) *url.URL {
	secure := *u
	secure.Scheme = "https"
	return &secure
}

func (j loopbackJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.CookieJar.SetCookies(asSecure(u), cookies)
}

func (j loopbackJar) Cookies(u *url.URL) []*http.Cookie { return j.CookieJar.Cookies(asSecure(u)) }

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &visitor{t, http.Client{Jar: loopbackJar{jar}, CheckRedirect: func(r *http.Request,
		via []*http.Request) error {
		if ip := net.ParseIP(r.URL.Hostname()); ip == nil || !ip.IsLoopback() || len(via) > 10 {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// page is what a visitor sees.
type page struct {
	status   int
	url      *url.URL // of the page
	location *url.URL // at the application, where the browser is sent; empty when nowhere
	body     string
}

// String is what the person reads.
func (p page) String() string {
	text := strings.Join(strings.Fields(tags.ReplaceAllString(p.body, " ")), " ")
	return fmt.Sprintf("%d at %s%s, sent to %q: %.1000s", p.status, p.url.Host, p.url.Path, p.location, text)
}

var tags = regexp.MustCompile(`(?s)<[^>]*>`)

func (v *visitor) visit(method, location, site string, fields url.Values) page {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, location, strings.NewReader(fields.Encode()))
	must(v.t, err)
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
	}
	response, err := v.http.Do(r)
	must(v.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(v.t, err)
	sentTo, err := url.Parse(response.Header.Get("Location"))
	must(v.t, err)
	return page{response.StatusCode, response.Request.URL, sentTo, string(body)}
}

func (v *visitor) get(location string) page {
	v.t.Helper()
	return v.visit(http.MethodGet, location, "", nil)
}

// post posts a form with the fields that the person fills in.
func (v *visitor) post(f *form, filled ...string) page {
	v.t.Helper()
	fields := url.Values{}
	for name, values := range f.fields {
		fields[name] = values
	}
	for i := 0; i < len(filled); i += 2 {
		fields.Set(filled[i], filled[i+1])
	}
	return v.visit(http.MethodPost, f.action, f.site, fields)
}

// form is a form of a page, unchanged.
type form struct {
	action string
	site   string // of the page towards the action, as Sec-Fetch-Site names it
	fields url.Values
}

var (
	forms     = regexp.MustCompile(`(?is)<form\b([^>]*)>(.*?)</form>`)
	inputs    = regexp.MustCompile(`(?is)<input\b[^>]*>`)
	attribute = regexp.MustCompile(`(?is)\b(action|name|value)\s*=\s*(?:"([^"]*)"|'([^']*)')`)
)

func attributesOf(tag string) map[string]string {
	out := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
		out[strings.ToLower(m[1])] = html.UnescapeString(m[2] + m[3])
	}
	return out
}

// form finds the form of the page that has a field of this name. It is nil when there is none.
func (p page) form(field string) *form {
	for _, m := range forms.FindAllStringSubmatch(p.body, -1) {
		fields := url.Values{}
		for _, tag := range inputs.FindAllString(m[2], -1) {
			if a := attributesOf(tag); a["name"] != "" {
				fields.Add(a["name"], a["value"])
			}
		}
		action, err := p.url.Parse(attributesOf(m[1])["action"])
		if err == nil && fields.Has(field) {
			site := "cross-site"
			if action.Host == p.url.Host {
				site = "same-origin"
			}
			return &form{action.String(), site, fields}
		}
	}
	return nil
}

// mustForm is form where the page must have it.
func (v *visitor) mustForm(p page, field string) *form {
	v.t.Helper()
	f := p.form(field)
	if f == nil {
		v.t.Fatalf("there is no form with %s: %s", field, p)
	}
	return f
}

// signatures counts the signatures of the response that the form brings: of itself, of its
// assertion.
func (f *form) signatures(t *testing.T) int {
	t.Helper()
	document, err := base64.StdEncoding.DecodeString(f.fields.Get("SAMLResponse"))
	must(t, err)
	return strings.Count(string(document), "SignatureValue>") / 2
}
