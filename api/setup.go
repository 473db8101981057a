package api

import (
	"net/http"
	"strings"

	"rollcall/model"
	"rollcall/model/setup"
)

// intents are the scopes of the links that the reference's call makes. None of them turns a
// connection on or maps groups: whoever calls it shows the link to their customer unseen.
var intents = map[string][]setup.Scope{
	"sso":                 {setup.ScopeDomains, setup.ScopeSSO},
	"dsync":               {setup.ScopeDirectory, setup.ScopeToken},
	"domain_verification": {setup.ScopeDomains},
	"certificate_renewal": {setup.ScopeCertificate},
}

// generateLink makes a link in the shape of the reference.
func (s *Server) generateLink(c *call) error {
	body, err := decode[struct {
		Organization string `json:"organization"`
		Intent       string `json:"intent"`
		ReturnURL    string `json:"return_url"`
		SuccessURL   string `json:"success_url"`
	}](c)
	if err != nil {
		return err
	}
	if err := required("organization", body.Organization); err != nil {
		return err
	}
	if err := required("intent", body.Intent); err != nil {
		return err
	}
	scopes, ok := intents[body.Intent]
	if !ok {
		return invalidf("intent", "intent is one of %s", strings.Join(sortedNames(intents), ", "))
	}
	org, _, err := c.owner(model.OrganizationPrefix, body.Organization)
	if err != nil {
		return err
	}
	_, token, err := setup.In(org).CreateLink(c.ctx(),
		setup.LinkFields{Scopes: scopes, ReturnURL: body.ReturnURL, SuccessURL: body.SuccessURL})
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, map[string]string{"link": s.setupURL(token)})
}

// setupURL is the address that the holder of a link opens.
func (s *Server) setupURL(token string) string {
	return strings.TrimSuffix(s.PublicURL, "/") + "/setup/" + token
}

func (s *Server) createSetupLink(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	body, err := decode[struct {
		Scopes    []setup.Scope `json:"scopes"`
		ExpiresAt *string       `json:"expires_at"`
		Note      string        `json:"note"`
		ReturnURL string        `json:"return_url"`
	}](c)
	if err != nil {
		return err
	}
	fields := setup.LinkFields{Scopes: body.Scopes, Note: body.Note, ReturnURL: body.ReturnURL}
	if body.ExpiresAt != nil {
		at, problem := parseMoment("expires_at", *body.ExpiresAt)
		if problem != nil {
			return problem
		}
		fields.ExpiresAt = *at
	}
	l, token, err := setup.In(org).CreateLink(c.ctx(), fields)
	if err != nil {
		return err
	}
	object := l.PublicForm(model.TimeOf(s.Store.Now()))
	object.URL = s.setupURL(token)
	return c.answer(http.StatusCreated, object)
}

// listSetupLinks lists the links of an organization with who opened them.
func (s *Server) listSetupLinks(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	p := c.params()
	page := p.page(setup.LinkPrefix, "desc")
	if err := p.err(); err != nil {
		return err
	}
	links, info, err := setup.In(org).Links(c.ctx(), page.Page)
	if err != nil {
		return err
	}
	now := model.TimeOf(s.Store.Now())
	form := func(l *setup.Link) setup.LinkDetail { return l.DetailedForm(now) }
	return answerList(c, page, forms(links, form), info)
}

// deleteSetupLink revokes a link. Its row stays, so that the list goes on saying who had opened it.
func (s *Server) deleteSetupLink(c *call) error {
	org, id, err := c.named(setup.LinkPrefix)
	if err != nil {
		return err
	}
	if _, err := setup.In(org).RevokeLink(c.ctx(), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
