package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/web"
)

// drawn renders a piece of a template with a view.
func drawn(t *testing.T, piece string, view any) (status int, body string) {
	t.Helper()
	s, _ := newServer(t, web.Options{})
	err := s.Pages.Add(files("page.html", `{{define "title"}}T{{end}}{{define "content"}}[[`+piece+`]]{{end}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Echo.GET("/page", func(c echo.Context) error { return s.Pages.Render(c, http.StatusOK, "page", view) })
	got := do(t, "GET", serve(t, s.Echo).URL+"/page", nil)
	_, after, _ := strings.Cut(got.body, "[[")
	body, _, _ = strings.Cut(after, "]]")
	return got.status, body
}

func TestPiecesOfPages(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 15, 4, 9, 0, time.FixedZone("east", 3600))
	view := map[string]any{
		"At": at, "Model": model.TimeOf(at), "Never": (*model.Time)(nil),
		"Evil": `<b>"'&`, "N": 1234567, "Few": int64(-999),
		"Problems": web.Problems{"name": "is <taken>"}, "None": web.Problems{},
	}
	const check = `<svg class="icon" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">` +
		`<path d="M20 6 9 17l-5-5" /></svg>`
	tests := map[string]struct{ piece, want string }{
		"an icon is hidden from screen readers": {`{{icon "check"}}`, check},
		"a chip has an icon and a word": {`{{chip "ok" .Evil}}`,
			`<span class="chip ok">` + check + ` &lt;b&gt;&#34;&#39;&amp;</span>`},
		"a time, to the minute":     {`{{when .At}}`, clocked("minutes", "1 December 2026, 14:04 UTC")},
		"a time of the model":       {`{{moment .Model}}`, clocked("seconds", "1 December 2026, 14:04:09 UTC")},
		"a day":                     {`{{day .At}}`, `<time datetime="2026-12-01">1 December 2026</time>`},
		"a time that was not":       {`{{when .Never}}`, "never"},
		"a large number":            {`{{number .N}}`, "1,234,567"},
		"a small number":            {`{{number .Few}}`, "-999"},
		"a message as a sentence":   {`{{sentence "étude is taken"}}`, "Étude is taken."},
		"a question stays one":      {`{{sentence " who? "}}`, "Who?"},
		"no message":                {`{{sentence ""}}`, ""},
		"a field without a problem": {`<input {{invalid .None "name"}}>{{beside .None "name"}}`, `<input >`},
		"a field's own problem": {`<input {{invalid .Problems "name"}}>`,
			`<input aria-invalid="true" aria-describedby="name-problem">`},
		"a problem above a form":     {`{{template "problem" ""}}`, ""},
		"what is wrong with a field": {`{{beside .Problems "name"}}`, "Is &lt;taken&gt;."},
		"a value to copy": {`{{copy "Audience \"URI\"" .Evil}}`,
			`<code data-value translate="no">&lt;b&gt;&#34;&#39;&amp;</code>`},
		"its button needs a script": {`{{copy "Key" "v"}}`,
			`<button type="button" class="plain" data-copy="Key" aria-label="Copy Key" hidden>`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			status, got := drawn(t, test.piece, view)
			partly := strings.Contains(test.piece, "copy") || strings.Contains(test.piece, `{{beside .Problems`)
			if status != 200 || !partly && got != test.want || !strings.Contains(got, test.want) {
				t.Errorf("status %d, %s\nwant %s", status, got, test.want)
			}
		})
	}
	for _, wrong := range []string{`{{icon "absent"}}`, `{{chip "absent" "x"}}`, `{{when "now"}}`,
		`{{number "many"}}`} {
		if status, got := drawn(t, wrong, view); status != 500 {
			t.Errorf("%s: status %d, %s", wrong, status, got)
		}
	}
}

func clocked(precision, text string) string {
	return `<time datetime="2026-12-01T14:04:09Z" data-clock="` + precision + `">` + text + `</time>`
}

// TestShells renders the three forms of a page.
func TestShells(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, web.Options{})
	const page = `{{define "title"}}T{{end}}{{define "content"}}C{{end}}`
	err := s.Pages.Add(files(
		"plain.html", page,
		"rail.html", page+`{{define "shell"}}{{template "with_rail" .}}{{end}}{{define "site"}}Contoso{{end}}`,
		"side.html", page+`{{define "shell"}}{{template "with_side" .}}{{end}}`,
	), nil)
	if err != nil {
		t.Fatal(err)
	}
	view := map[string]any{
		"Rail": []web.Step{{Name: "Domains", URL: "/d", State: "done", Note: "a.example"}, {Name: "Test", URL: "/t",
			State: "open", Current: true}},
		"Side": []web.Link{{Name: "Fabrikam"}, {Name: "Members", URL: "/m", Icon: "users", Current: true}},
	}
	for name, wants := range map[string][]string{
		"plain": {"<title>T – Rollcall</title>", `<main id="main" class="centered">`},
		"rail": {"<title>T – Contoso</title>",
			`<li class="done"><a href="/d">Domains</a> <small>a.example</small></li>`,
			`<li class="open" aria-current="step"><span>Test</span></li>`},
		"side": {`<p>Fabrikam</p>`, `<a href="/m" aria-current="page">`},
	} {
		s.Echo.GET("/"+name, func(c echo.Context) error { return s.Pages.Render(c, http.StatusOK, name, view) })
		got := do(t, "GET", serve(t, s.Echo).URL+"/"+name, nil)
		for _, want := range append(wants, `<a class="skip" href="#main">`) {
			if got.status != 200 || !strings.Contains(got.body, want) {
				t.Errorf("%s: status %d, without %q:\n%s", name, got.status, want, got.body)
			}
		}
	}
}

// TestChart draws days of which one had nothing and one failures.
func TestChart(t *testing.T) {
	t.Parallel()
	view := web.Chart{ID: "signins", Title: "Sign-ins <30 days>", Unit: "Day", Series: []string{"Signed in", "Failed"},
		Bars: []web.Bar{{Label: "1 Nov", Values: []int64{1000, 0}}, {Label: "2 Nov", Values: []int64{0, 0}},
			{Label: "3 Nov", Values: []int64{30, 10}}}}
	status, got := drawn(t, `{{chart .}}`, view)
	for _, want := range []string{
		`<title id="signins-title">Sign-ins &lt;30 days&gt;</title>`,
		`Signed in: 1,030, Failed: 10. The table below has each number.`,
		`aria-labelledby="signins-title signins-says"`,
		`<rect class="done" x="3" y="0.0" width="14" height="120.0"/>`, // the highest has all of the height
		`<g><title>2 Nov: Signed in 0, Failed 0</title></g>`,
		`<rect class="failed" x="43" y="118.5" width="14" height="1.5"/>`, // seen, however little
		`<tr><th scope="row">3 Nov</th><td class="count">30</td><td class="count">10</td></tr>`,
		`<span>1,000</span><span>500</span><span>0</span>`,
	} {
		if status != 200 || !strings.Contains(got, want) {
			t.Errorf("status %d, without %q:\n%s", status, want, got)
		}
	}
	for _, wrong := range []web.Chart{
		{Series: []string{"a", "b", "c"}}, {},
		{Series: []string{"a"}, Bars: []web.Bar{{Label: "x", Values: []int64{1, 2}}}},
	} {
		if status, _ := drawn(t, `{{chart .}}`, wrong); status != 500 {
			t.Errorf("%+v: status %d", wrong, status)
		}
	}
	if status, got := drawn(t, `{{chart .}}`, web.Chart{ID: "none", Title: "N", Series: []string{"a"}}); status != 200 {
		t.Errorf("nothing counted: %d %s", status, got)
	}
}
