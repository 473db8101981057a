package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/operator"
	"rollcall/model/organization"
)

// perPage is how many rows a list of the console has.
const perPage = 50

// homePage is the view of console_home.html.
type homePage struct {
	page
	Search        string
	Organizations []listed
	Next          string // the URL of the next page, with older organizations; empty on the last page
}

// customer is an organization as pages name it.
type customer struct{ ID, Name string }

// listed is an organization as the list shows it.
type listed struct {
	customer
	Domains   []organization.Domain // the first few
	More      int                   // how many domains there are besides
	CreatedAt model.Time
}

// domainsShown is how many domains of an organization the list has.
const domainsShown = 3

// home lists the organizations, the newest first, or those that a search finds.
func (s *Server) home(c echo.Context, op *operator.Operator) error {
	after, err := cursor(c, model.OrganizationPrefix)
	if err != nil {
		return err
	}
	view := homePage{page: pageOf(op, "/console"), Search: model.Trimmed(c.QueryParam("q"))}
	found, info, err := s.find(c, view.Search, model.Page{After: after, Limit: perPage})
	if err != nil {
		return err
	}
	for i := range found {
		o := &found[i]
		row := listed{customer{model.OrganizationPrefix.ID(string(o.ID)), o.Name}, o.Domains, 0, o.CreatedAt}
		if len(o.Domains) > domainsShown {
			row.Domains, row.More = o.Domains[:domainsShown], len(o.Domains)-domainsShown
		}
		view.Organizations = append(view.Organizations, row)
	}
	if info.After != "" {
		next := url.Values{"after": {model.OrganizationPrefix.ID(info.After)}}
		if view.Search != "" {
			next.Set("q", view.Search)
		}
		view.Next = "/console?" + next.Encode()
	}
	return s.Pages.Render(c, http.StatusOK, "console_home", view)
}

// find lists the organizations that have a text as one of their domains, or in their name.
func (s *Server) find(c echo.Context, text string, p model.Page) ([]organization.Organization, model.PageInfo, error) {
	ctx, all := c.Request().Context(), organization.Across(s.Store)
	if domain, ok := asDomain(text); ok {
		found, info, err := all.Organizations(ctx, model.Everywhere(),
			organization.OrganizationQuery{Page: p, Domains: []string{domain}})
		if err != nil || len(found) > 0 {
			return found, info, err
		}
	}
	return all.Organizations(ctx, model.Everywhere(), organization.OrganizationQuery{Page: p, Search: text})
}

// asDomain reads a search as an e-mail domain, or as an address under one.
func asDomain(search string) (string, bool) {
	domain := search[strings.LastIndexByte(search, '@')+1:]
	if !strings.Contains(strings.Trim(domain, "."), ".") || strings.ContainsAny(domain, " /") {
		return "", false
	}
	folded, err := model.FoldDomain(domain)
	return folded, err == nil
}
