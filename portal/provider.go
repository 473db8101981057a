package portal

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/guide"
	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/setup"
	"rollcall/trust"
	"rollcall/web"
)

// connection is the connection that is being set up: the one that was chosen, or the only one. It
// is nil while there is none, or several and none chosen.
func (f *facts) connection() *connection.Connection {
	chosen := f.steps[setup.StepSSO].Choice
	for i := range f.connections {
		if f.connections[i].ID == chosen {
			return &f.connections[i]
		}
	}
	if len(f.connections) == 1 {
		return &f.connections[0]
	}
	return nil
}

// guide is the identity provider that is being set up, with its guide for the connection.
func (f *facts) guide(c *connection.Connection) (*guide.Provider, *guide.SignOn) {
	protocol := "SAML"
	if c.OIDC() {
		protocol = "OpenID Connect"
	}
	if p := guide.Of(f.steps[setup.StepProvider].Choice); p != nil {
		if on := p.On(protocol); on != nil && on.Connection == c.Type {
			return p, on
		}
	}
	return guide.For(c.Type)
}

func providerState(f *facts) (state, note string) {
	c := f.connection()
	if c == nil {
		return stateOpen, ""
	}
	p, on := f.guide(c)
	return stateDone, p.Name + ", " + on.Protocol
}

// providerPage is the view of setup_provider.html.
type providerPage struct {
	frame
	Search   string
	Tiles    []guide.Provider
	Chosen   *guide.Provider // whose protocols are shown
	Protocol string
	Present  []present
}

// present is a connection that there is already.
type present struct {
	ID, Name, Protocol, Chip, State string
	Current                         bool
}

// connectionStates are the words for the states of a connection, with the chip of each.
var connectionStates = map[connection.ConnectionState][2]string{
	connection.ConnectionDraft:    {"wait", "Draft"},
	connection.ConnectionActive:   {"ok", "On"},
	connection.ConnectionInactive: {"off", "Off"},
}

// presentOf lists the connections that there are.
func presentOf(f *facts) (out []present) {
	current := f.connection()
	for i := range f.connections {
		c := &f.connections[i]
		_, on := guide.For(c.Type)
		words := connectionStates[c.State]
		out = append(out, present{model.ConnectionPrefix.ID(c.ID), c.Name, on.Protocol, words[0], words[1],
			c == current})
	}
	return out
}

func (s *Server) provider(c echo.Context, v *visit) error {
	return s.showProvider(c, v, http.StatusOK, func(*providerPage) {})
}

// showProvider renders the page of the identity providers after change.
func (s *Server) showProvider(c echo.Context, v *visit, status int, change func(*providerPage)) error {
	f, err := s.frame(c.Request().Context(), v, setup.StepProvider)
	if err != nil {
		return err
	}
	page := providerPage{frame: f, Search: model.Trimmed(c.QueryParam("q")), Present: presentOf(v.facts)}
	if page.Chosen = guide.Of(c.QueryParam("choose")); page.Chosen != nil {
		page.Protocol = page.Chosen.SignOn[0].Protocol
	}
	for _, p := range guide.Providers {
		if strings.Contains(strings.ToLower(p.Name), strings.ToLower(page.Search)) {
			page.Tiles = append(page.Tiles, p)
		}
	}
	change(&page)
	return s.Pages.Render(c, status, "setup_provider", &page)
}

// maxConnections is how many connections an organization has at most by its links.
const maxConnections = 20

// chooseProvider begins with an identity provider over one protocol, or goes on with a connection
// that there is. What was set for another one before stays there.
func (s *Server) chooseProvider(c echo.Context, v *visit) error {
	ctx := c.Request().Context()
	sent, err := form(c)
	if err != nil {
		return err
	}
	if id, ok := model.ConnectionPrefix.Parse(sent.text("connection")); ok {
		if err := s.chooseConnection(ctx, v, id, ""); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, "/setup/sso")
	}
	p := guide.Of(sent.text("provider"))
	if p == nil || p.On(sent.text("protocol")) == nil {
		return s.showProvider(c, v, http.StatusBadRequest, func(page *providerPage) {
			page.Chosen = p
			page.Problem = "Choose an identity provider, and how people shall sign in by it."
		})
	}
	draft, err := s.draftOf(ctx, v, p, p.On(sent.text("protocol")))
	if problem := refusal(err); problem != nil {
		return s.showProvider(c, v, web.Status(problem.Kind),
			func(page *providerPage) { page.Problem = problem.Message })
	}
	if err != nil {
		return err
	}
	if err := s.chooseConnection(ctx, v, draft.ID, p.Slug); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/setup/sso")
}

// chooseOther goes on with another connection that there is.
func (s *Server) chooseOther(c echo.Context, v *visit) error {
	sent, err := form(c)
	if err != nil {
		return err
	}
	id, _ := model.ConnectionPrefix.Parse(sent.text("connection"))
	if err := s.chooseConnection(c.Request().Context(), v, id, ""); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/setup/sso")
}

// chooseConnection remembers which connection is being set up, and for which identity provider.
func (s *Server) chooseConnection(ctx context.Context, v *visit, id, slug string) error {
	c, err := connection.In(v.org).Connection(ctx, id)
	if err != nil {
		return err
	}
	if slug == "" {
		p, _ := guide.For(c.Type)
		for _, named := range guide.Providers {
			if named.Name == c.Name {
				p = &named
			}
		}
		slug = p.Slug
	}
	if err := setup.In(v.org).Choose(ctx, setup.StepProvider, slug, false); err != nil {
		return err
	}
	return setup.In(v.org).Choose(ctx, setup.StepSSO, id, false)
}

// draftOf returns the draft that was begun for an identity provider, or a new one.
func (s *Server) draftOf(
	ctx context.Context, v *visit, p *guide.Provider, on *guide.SignOn,
) (*connection.Connection, error) {
	for i := range v.facts.connections {
		c := &v.facts.connections[i]
		if c.Type == on.Connection && c.Name == p.Name && c.State == connection.ConnectionDraft {
			return c, nil
		}
	}
	if len(v.facts.connections) >= maxConnections {
		return nil, model.Conflictf("", "the organization has %d connections already; ask whoever sent you this "+
			"link to "+
			"remove some", maxConnections)
	}
	c := &connection.Connection{ID: connection.NewConnectionID(), OrganizationID: v.org.ID, Type: on.Connection}
	c.Name, c.ActivatedByHand = p.Name, true
	if p.Slug == "google" { // it neither asks people again nor ends their sessions
		c.Reauthentication, c.Logout = connection.ReauthenticationRequested, connection.LogoutLocal
	}
	var key []byte
	if !c.OIDC() {
		var err error
		if c.SPCertificate, key, err = trust.NewKey(c.ID, s.Store.Now()); err != nil {
			return nil, err
		}
	}
	return c, connection.In(v.org).CreateConnection(ctx, c, key)
}
