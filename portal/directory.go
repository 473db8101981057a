package portal

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/guide"
	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/requestlog"
	"rollcall/model/setup"
	"rollcall/web"
)

// directory is the directory that is being set up: the one that was chosen, or the only one.
func (f *facts) directory() *directory.Directory {
	chosen := f.steps[setup.StepDirectory].Choice
	for i := range f.directories {
		if f.directories[i].ID == chosen {
			return &f.directories[i]
		}
	}
	if len(f.directories) == 1 {
		return &f.directories[0]
	}
	return nil
}

func directoryState(f *facts) (state, note string) {
	d := f.directory()
	switch {
	case d == nil && f.steps[setup.StepDirectory].Skipped:
		return stateSkipped, "people appear at their first sign-in"
	case d == nil:
		return stateOpen, ""
	case d.State == directory.DirectoryLinked:
		return stateDone, d.Name
	}
	return stateWaiting, "nothing has arrived yet"
}

// provisioner is the identity provider whose guide for provisioning is shown: that of the
// directory, of the connection, or a generic one.
func (f *facts) provisioner() *guide.Provider {
	if p := guide.Of(f.steps[setup.StepProvider].Choice); p != nil {
		return p
	}
	if c := f.connection(); c != nil {
		p, _ := guide.For(c.Type)
		return p
	}
	if d := f.directory(); d != nil {
		for i := range guide.Providers {
			if guide.Providers[i].Directory == d.Type {
				return &guide.Providers[i]
			}
		}
	}
	return guide.Of("saml")
}

// directoryPage is the view of setup_directory.html.
type directoryPage struct {
	frame
	Provider  *guide.Provider
	Checked   string
	Directory *directory.Directory
	Several   []directory.Directory // to choose one of, when none is
	Skipped   bool
	MayMake   bool // directories
	MayToken  bool // tokens of them
	Steps     []guideStep
	BaseURL   string
	Tokens    []tokenRow
	Room      bool   // for another token
	Secret    string // shown this once
	Panel     panel
}

// DirectoryID is the API id of a directory.
func (*directoryPage) DirectoryID(d directory.Directory) string {
	return model.DirectoryPrefix.ID(d.ID)
}

// tokenRow is a token of the directory, without its secret.
type tokenRow struct {
	ID, Name, Suffix, Kind string
	CreatedAt              model.Time
	ExpiresAt, LastUsedAt  *model.Time
	Ended                  bool
}

func (s *Server) directoryPage(c echo.Context, v *visit) error {
	return s.showDirectory(c, v, http.StatusOK, func(*directoryPage) {})
}

// showDirectory renders the page of the directory after change.
func (s *Server) showDirectory(c echo.Context, v *visit, status int, change func(*directoryPage)) error {
	ctx := c.Request().Context()
	fresh, err := s.gather(ctx, v.org)
	if err != nil {
		return err
	}
	v.facts = fresh
	f, err := s.frame(ctx, v, setup.StepDirectory)
	if err != nil {
		return err
	}
	page := directoryPage{frame: f, Provider: fresh.provisioner(), Directory: fresh.directory(),
		Skipped: fresh.steps[setup.StepDirectory].Skipped, MayMake: v.May(setup.ScopeDirectory),
		MayToken: v.May(setup.ScopeToken)}
	page.Checked = monthOf(page.Provider.Checked)
	base := ""
	if page.Directory == nil {
		page.Several = fresh.directories
	} else {
		base = strings.TrimSuffix(s.PublicURL, "/") + "/scim/v2/" + model.DirectoryPrefix.ID(page.Directory.ID)
		if err := s.fillDirectory(ctx, v, &page); err != nil {
			return err
		}
	}
	page.BaseURL = base
	if page.Provider.Provisioning != nil && base != "" {
		page.Steps = fill(page.Provider.Provisioning.Steps, map[guide.Value]string{guide.SCIMBaseURL: base,
			guide.SCIMTokenURL: strings.TrimSuffix(s.PublicURL, "/") + "/scim/oauth2/token"})
	}
	change(&page)
	return s.Pages.Render(c, status, "setup_directory", &page)
}

// fillDirectory reads the tokens of the page's directory and what has arrived there.
func (s *Server) fillDirectory(ctx context.Context, v *visit, page *directoryPage) error {
	tokens, err := directory.Of(v.org, page.Directory.ID).Tokens(ctx)
	if err != nil {
		return err
	}
	valid := 0
	for _, t := range tokens {
		row := tokenRow{ID: model.DirectoryTokenPrefix.ID(t.ID), Name: t.Name, Suffix: t.Suffix, Kind: "token",
			CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt,
			Ended: t.ExpiresAt != nil && *t.ExpiresAt <= v.facts.now}
		if t.Type == directory.ClientCredentials {
			row.Kind = "client credentials"
		}
		if !row.Ended {
			valid++
		}
		page.Tokens = append(page.Tokens, row)
	}
	page.Room = valid < 2
	page.Panel, err = s.panelOf(ctx, v, page.Directory, page.Provider)
	return err
}

// tokenLives are how long a new token may be good for, in days, by the values of the form.
var tokenLives = map[string]int64{"1": 365, "2": 730, "none": 0}

// expiryOf reads how long a new token shall be good for.
func expiryOf(sent values, now model.Time) (*model.Time, error) {
	days, ok := tokenLives[sent.text("life")]
	if !ok {
		return nil, model.Invalidf("life", "Choose how long the token shall be good for.")
	}
	if days == 0 {
		return nil, nil
	}
	until := now + model.Time(days*86_400_000)
	return &until, nil
}

// makeDirectory makes a directory and, if the link may, shows its first token once.
func (s *Server) makeDirectory(c echo.Context, v *visit) error {
	sent, err := form(c)
	if err != nil {
		return err
	}
	if v.facts.directory() != nil || len(v.facts.directories) > 0 {
		return c.Redirect(http.StatusSeeOther, "/setup/directory")
	}
	p := v.facts.provisioner()
	kind := p.Directory
	if kind == "" {
		kind = "generic scim v2.0"
	}
	expires, err := expiryOf(sent, v.facts.now)
	if v.May(setup.ScopeToken) && err != nil {
		return s.refuseDirectory(c, v, err)
	}
	var secret string
	ctx := c.Request().Context()
	err = setup.In(v.org).Tx(ctx, func(org setup.Org) error {
		d, token, err := directory.In(org).CreateDirectory(ctx, p.Name, kind)
		if err != nil {
			return err
		}
		secret = token
		if v.May(setup.ScopeToken) && expires == nil {
			return setup.In(org).Choose(ctx, setup.StepDirectory, d.ID, false)
		}
		// The first token has no end, and the link may not have the scope for any.
		secret = ""
		tokens, err := directory.Of(org, d.ID).Tokens(ctx)
		if err != nil {
			return err
		}
		if err := directory.Of(org, d.ID).RevokeToken(ctx, tokens[0].ID); err != nil {
			return err
		}
		if v.May(setup.ScopeToken) {
			if _, secret, err = directory.Of(org, d.ID).CreateToken(ctx, "set-up portal", expires); err != nil {
				return err
			}
		}
		return setup.In(org).Choose(ctx, setup.StepDirectory, d.ID, false)
	})
	if err != nil {
		return s.refuseDirectory(c, v, err)
	}
	return s.showDirectory(c, v, http.StatusOK, func(p *directoryPage) { p.Secret = secret })
}

// refuseDirectory shows the page again with why a form was refused. Other errors are answered as
// such.
func (s *Server) refuseDirectory(c echo.Context, v *visit, err error) error {
	problem := refusal(err)
	if problem == nil {
		return err
	}
	return s.showDirectory(c, v, web.Status(problem.Kind), func(p *directoryPage) { p.Problem = problem.Message })
}

// makeToken makes a token and shows it once.
func (s *Server) makeToken(c echo.Context, v *visit) error {
	sent, err := form(c)
	if err != nil {
		return err
	}
	d := v.facts.directory()
	if d == nil {
		return c.Redirect(http.StatusSeeOther, "/setup/directory")
	}
	expires, err := expiryOf(sent, v.facts.now)
	if err != nil {
		return s.refuseDirectory(c, v, err)
	}
	_, secret, err := directory.Of(v.org, d.ID).CreateToken(c.Request().Context(), "set-up portal", expires)
	if err != nil {
		return s.refuseDirectory(c, v, err)
	}
	return s.showDirectory(c, v, http.StatusOK, func(p *directoryPage) { p.Secret = secret })
}

// removeToken ends a token at once.
func (s *Server) removeToken(c echo.Context, v *visit) error {
	d := v.facts.directory()
	id, ok := model.DirectoryTokenPrefix.Parse(c.Param("id"))
	if d == nil || !ok {
		return model.NotFoundf("This token is not there any more. Open the page of the directory again.")
	}
	if err := directory.Of(v.org, d.ID).RevokeToken(c.Request().Context(), id); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/setup/directory")
}

// chooseDirectory goes on with one of several directories.
func (s *Server) chooseDirectory(c echo.Context, v *visit) error {
	ctx := c.Request().Context()
	sent, err := form(c)
	if err != nil {
		return err
	}
	id, _ := model.DirectoryPrefix.Parse(sent.text("directory"))
	if _, err := directory.In(v.org).Directory(ctx, id); err != nil {
		return err
	}
	if err := setup.In(v.org).Choose(ctx, setup.StepDirectory, id, false); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/setup/directory")
}

// skipDirectory notes that the organization wants no provisioning, or wants it after all.
func (s *Server) skipDirectory(c echo.Context, v *visit) error {
	sent, err := form(c)
	if err != nil {
		return err
	}
	skipped := sent.text("skip") == "yes"
	if err := setup.In(v.org).Choose(c.Request().Context(), setup.StepDirectory, "", skipped); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/setup/directory")
}

// panelLines is how many of the last requests the page shows.
const panelLines = 50

// requests reads the last requests of a directory.
func (s *Server) requests(ctx context.Context, v *visit, d *directory.Directory) ([]requestlog.Request, error) {
	rs, _, err := requestlog.In(v.org).Requests(ctx, d.ID, model.Page{Limit: panelLines})
	return rs, err
}
