package api

import (
	"encoding/json"
	"maps"
	"net/http"

	"rollcall/model"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/store"
)

// maxDomains is how many domains one call may name.
const maxDomains = 100

// organizationBody is what POST and PUT take. PUT changes only the members that are sent, as in the
// reference, where no member of an update is required.
type organizationBody struct {
	Name                             *string                      `json:"name"`
	AllowProfilesOutsideOrganization *bool                        `json:"allow_profiles_outside_organization"`
	Domains                          []string                     `json:"domains"`
	DomainData                       []domainData                 `json:"domain_data"`
	Metadata                         optional[map[string]*string] `json:"metadata" space:"kept"`
	ExternalID                       optional[string]             `json:"external_id"`
	Rollcall                         json.RawMessage              `json:"rollcall"`
}

type domainData struct {
	Domain string                   `json:"domain"`
	State  organization.DomainState `json:"state"`
}

// domains returns the domains that the body names in either of the reference's forms, and whether
// it has such a member at all. Domains in the older form are pending, because that form cannot say
// that they are verified.
func (b *organizationBody) domains() (states map[string]organization.DomainState, given bool, err error) {
	states = map[string]organization.DomainState{}
	for _, name := range b.Domains {
		states[name] = organization.DomainStatePending
	}
	for _, d := range b.DomainData {
		if d.State != organization.DomainStatePending && d.State != organization.DomainStateVerified {
			return nil, false, invalidf("domain_data.state", `a domain's state is "pending" or "verified"`)
		}
		states[d.Domain] = d.State
	}
	if len(states) > maxDomains {
		return nil, false, invalidf("domain_data", "send at most %d domains at once", maxDomains)
	}
	return states, b.Domains != nil || b.DomainData != nil, nil
}

// apply changes the organization as the body says.
func (b *organizationBody) apply(g *organization.OrganizationFields, k key) error {
	if b.Name != nil {
		g.Name = *b.Name
	}
	if b.ExternalID.given {
		g.ExternalID = nil
		if b.ExternalID.value != nil {
			stored := organization.ExternalIDOf(k.scope, *b.ExternalID.value)
			g.ExternalID = &stored
		}
	}
	if b.AllowProfilesOutsideOrganization != nil {
		if *b.AllowProfilesOutsideOrganization && !g.AllowProfilesOutsideOrganization && !k.trusted() {
			return errUntrusted
		}
		g.AllowProfilesOutsideOrganization = *b.AllowProfilesOutsideOrganization
	}
	if b.Metadata.given {
		g.Metadata = merged(g.Metadata, b.Metadata.value)
	}
	if len(b.Rollcall) > 0 {
		// Decoding into the present settings changes only those that are sent.
		extras := organization.OrganizationExtras{Slug: g.Slug, Settings: g.Settings}
		if err := unmarshal(b.Rollcall, &extras, "rollcall"); err != nil {
			return err
		}
		if extras.Slug != g.Slug && !k.trusted() {
			return errSlug
		}
		g.Slug, g.Settings = extras.Slug, extras.Settings
	}
	return nil
}

// merged returns metadata after a change. As in the reference, keys that are not sent are kept,
// keys that are sent as null are removed, and null instead of an object removes all keys.
func merged(before map[string]string, change *map[string]*string) map[string]string {
	after := map[string]string{}
	if change == nil {
		return after
	}
	maps.Copy(after, before)
	for k, v := range *change {
		if v == nil {
			delete(after, k)
		} else {
			after[k] = *v
		}
	}
	return after
}

func (s *Server) listOrganizations(c *call) error {
	p := c.params()
	page := p.page(model.OrganizationPrefix, "desc")
	if err := p.err(); err != nil {
		return err
	}
	gs, info, err := organization.Across(s.Store).Organizations(c.ctx(), c.key.scope,
		organization.OrganizationQuery{Page: page.Page, Domains: p.list("domains"), Search: p.text("search")})
	if err != nil {
		return err
	}
	return answerList(c, page, forms(gs, (*organization.Organization).PublicForm), info)
}

func (s *Server) createOrganization(c *call) error {
	body, err := decode[organizationBody](c)
	if err != nil {
		return err
	}
	domains, _, err := body.domains()
	if err != nil {
		return err
	}
	g := &organization.Organization{
		OrganizationFields: organization.OrganizationFields{Settings: organization.DefaultSettings()}}
	if err := body.apply(&g.OrganizationFields, c.key); err != nil {
		return err
	}
	for _, state := range domains {
		if state == organization.DomainStateVerified && !c.key.trusted() {
			return errUntrusted
		}
	}
	if err := g.Validate(); fieldOf(err) == "external_id" {
		return err
	}
	if err := s.externalIDUsed(c, g); err != nil {
		return err
	}
	if err := operator.Across(s.Store).CreateOrganization(c.ctx(), c.key.actor, c.key.scope, g, domains); err != nil {
		return s.organizationRefused(c, err, g)
	}
	return c.answer(http.StatusCreated, g.PublicForm())
}

// organizationRefused gives refused writes the codes that the reference has for them.
func (s *Server) organizationRefused(c *call, err error, g *organization.Organization) error {
	switch field := fieldOf(err); {
	case field == "metadata":
		return &coded{http.StatusBadRequest, "invalid_metadata", err}
	case field == "domain":
		return domainRefused(err)
	case model.KindOf(err) == model.Conflict:
		if used := s.externalIDUsed(c, g); used != nil {
			return used
		}
	}
	return err
}

// externalIDUsed returns an error if another organization that the key reaches has the external_id.
func (s *Server) externalIDUsed(c *call, g *organization.Organization) error {
	id := g.PublicExternalID()
	if id == nil {
		return nil
	}
	other, err := organization.Across(s.Store).OrganizationByExternalID(c.ctx(), c.key.scope, *id)
	if model.KindOf(err) == model.NotFound || err == nil && other == g.ID {
		return nil
	}
	if err != nil {
		return err
	}
	return &coded{http.StatusBadRequest, "external_id_already_used",
		model.Conflictf("external_id", "another organization has this external_id; send another one")}
}

func (s *Server) organization(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	return answerOrganization(c, org)
}

func answerOrganization(c *call, org *store.Org) error {
	g, err := organization.In(org).Organization(c.ctx())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, g.PublicForm())
}

func (s *Server) organizationByExternalID(c *call) error {
	asked := model.Trimmed(c.Param("external_id"))
	id, err := organization.Across(s.Store).OrganizationByExternalID(c.ctx(), c.key.scope, asked)
	if err != nil {
		return err
	}
	return answerOrganization(c, s.Store.Org(id, c.key.actor))
}

func (s *Server) updateOrganization(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	body, err := decode[organizationBody](c)
	if err != nil {
		return err
	}
	domains, given, err := body.domains()
	if err != nil {
		return err
	}
	g := organization.Organization{ID: org.ID} // as far as it was changed, for the error
	g.ExternalID = body.ExternalID.value
	if err := s.externalIDUsed(c, &g); err != nil {
		return err
	}
	err = org.Tx(c.ctx(), func(org *store.Org) error {
		if given {
			verified, err := organization.In(org).SetDomains(c.ctx(), domains)
			// The conflict would reveal that another organization has verified the domain, and this
			// key may not verify domains.
			if !c.key.trusted() && (verified > 0 || model.KindOf(err) == model.Conflict) {
				return errUntrusted
			}
			if err != nil {
				return err
			}
		}
		after, err := operator.In(org).UpdateOrganization(c.ctx(), func(change *organization.OrganizationFields) error {
			err := body.apply(change, c.key)
			g.OrganizationFields = *change
			return err
		})
		if err == nil {
			g = *after
		}
		return err
	})
	if err != nil {
		return s.organizationRefused(c, err, &g)
	}
	return c.answer(http.StatusOK, g.PublicForm())
}

func (s *Server) deleteOrganization(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	if err := operator.In(org).DeleteOrganization(c.ctx()); err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}
