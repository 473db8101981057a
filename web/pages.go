package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

//go:embed templates/*.html
var ownTemplates embed.FS

//go:embed assets
var ownAssets embed.FS

// Pages renders HTML pages inside one layout. Each package adds its own pages and assets at start.
//
// A page is a file NAME.html that defines the templates "title" and "content". Both are executed
// with the view of the page. A file whose name begins with an underscore is a partial: the pages
// that are added together with it may use it. The partials of this package are for all pages.
//
// A page or a partial may also define what _layout.html has a default for: "shell", by calling
// "centered", "with_rail" or "with_side", "brand", "who", "site", "head" and "foot". The template
// function asset returns the URL of an asset by its name; look.go has the others.
type Pages struct {
	layout *template.Template
	pages  map[string]*template.Template
	assets map[string]asset  // by file name with hash
	hashed map[string]string // from file name to file name with hash
}

func newPages() (*Pages, error) {
	p := &Pages{
		pages:  map[string]*template.Template{},
		assets: map[string]asset{},
		hashed: map[string]string{},
	}
	templates, err := fs.Sub(ownTemplates, "templates")
	if err != nil {
		return nil, fmt.Errorf("open templates: %w", err)
	}
	assets, err := fs.Sub(ownAssets, "assets")
	if err != nil {
		return nil, fmt.Errorf("open assets: %w", err)
	}
	parts, err := newMarkup()
	if err != nil {
		return nil, err
	}
	p.layout = template.New("layout").Option("missingkey=error").
		Funcs(template.FuncMap{"asset": p.assetURL}).Funcs(parts.functions())
	if p.layout, err = p.layout.ParseFS(templates, "_*.html"); err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	return p, p.Add(templates, assets)
}

// Add parses the *.html files at the root of templates and adds the files at the root of assets.
// Either may be nil. A name that another page or asset of the server has is an error, and so is a
// page without title or content. Add must be called before the first request.
func (p *Pages) Add(templates, assets fs.FS) error {
	if assets != nil {
		if err := p.addAssets(assets); err != nil {
			return err
		}
	}
	if templates == nil {
		return nil
	}
	files, err := fs.Glob(templates, "*.html")
	if err != nil {
		return fmt.Errorf("list templates: %w", err)
	}
	shared := template.Must(p.layout.Clone())
	for _, file := range files {
		if strings.HasPrefix(file, "_") {
			if shared, err = shared.ParseFS(templates, file); err != nil {
				return fmt.Errorf("parse partial %s: %w", file, err)
			}
		}
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".html")
		if strings.HasPrefix(file, "_") {
			continue
		}
		if p.pages[name] != nil {
			return fmt.Errorf("page %s is there already", name)
		}
		page, err := template.Must(shared.Clone()).ParseFS(templates, file)
		if err != nil {
			return fmt.Errorf("parse page %s: %w", file, err)
		}
		if page.Lookup("title") == nil || page.Lookup("content") == nil {
			return fmt.Errorf("page %s does not define both title and content", file)
		}
		p.pages[name] = page
	}
	return nil
}

// Render answers with a page. It sends nothing before the page is complete, so an error of the
// template is answered as an error.
func (p *Pages) Render(c echo.Context, status int, name string, view any) error {
	page := p.pages[name]
	if page == nil {
		return fmt.Errorf("render page %s: there is no such page", name)
	}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, "_layout.html", view); err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	return c.HTMLBlob(status, b.Bytes())
}

// errorPage is the view of error.html.
type errorPage struct {
	Title string
	Failure
}

// problemDocument is an error in the form of RFC 9457. Reference is our extension member.
type problemDocument struct {
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Reference string `json:"reference,omitempty"`
}

// renderFailure is the renderer of the paths for which no other one is set with Errors.
func (p *Pages) renderFailure(c echo.Context, f Failure) error {
	c.Response().Header().Add(echo.HeaderVary, echo.HeaderAccept)
	title := wording(f.Status).title
	if wantsPage(c.Request().Header.Get(echo.HeaderAccept)) {
		return p.Render(c, f.Status, "error", errorPage{title, f})
	}
	c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
	return c.JSON(f.Status, problemDocument{title, f.Status, f.Message, f.Reference})
}

// wantsPage reports whether an Accept header names HTML and prefers it to JSON, as browsers do.
// Programs that send */* or no Accept get a problem document.
func wantsPage(accept string) bool {
	var page, document float64
	for item := range strings.SplitSeq(accept, ",") {
		kind, params, err := mime.ParseMediaType(item)
		if err != nil {
			continue
		}
		q := 1.0
		if weight, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(weight, 64); err != nil {
				continue
			}
		}
		switch {
		case kind == "text/html" || kind == "application/xhtml+xml":
			page = max(page, q)
		case kind == echo.MIMEApplicationJSON || strings.HasSuffix(kind, "+json"):
			document = max(document, q)
		}
	}
	return page > 0 && page >= document
}
