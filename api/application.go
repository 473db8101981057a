package api

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"rollcall/model"
	"rollcall/model/organization"
)

// applicationObject is the public form of an application.
type applicationObject struct {
	Object                 string   `json:"object"`
	ID                     string   `json:"id"`
	ClientID               string   `json:"client_id"`
	ClientSecret           string   `json:"client_secret,omitempty"` // only when it is created
	Name                   string   `json:"name"`
	RedirectURIs           []string `json:"redirect_uris"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris"`
	BackchannelLogoutURI   *string  `json:"backchannel_logout_uri"`
	InitiateLoginURI       *string  `json:"initiate_login_uri"`
	Organizations          reach    `json:"organizations"`
	clientObject
	CreatedAt model.Time `json:"created_at"`
	UpdatedAt model.Time `json:"updated_at"`
}

func applicationForm(a *organization.Application) applicationObject {
	id := model.ApplicationPrefix.ID(a.ID)
	return applicationObject{
		Object: "application", ID: id, ClientID: id, Name: a.Name,
		RedirectURIs: a.RedirectURIs, PostLogoutRedirectURIs: a.PostLogoutRedirectURIs,
		BackchannelLogoutURI: model.OrNull(a.BackchannelLogoutURI), InitiateLoginURI: model.OrNull(a.InitiateLoginURI),
		Organizations: reach{a.AllOrganizations, a.Organizations}, clientObject: clientForm(&a.Client),
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

// reach is the set of organizations that an application serves: in JSON "all", or a list of ids.
type reach struct {
	all bool
	ids []model.OrganizationID
}

const everyOrganization = "all"

// MarshalJSON writes "all" or the list.
func (r reach) MarshalJSON() ([]byte, error) {
	if r.all {
		return json.Marshal(everyOrganization)
	}
	ids := make([]string, len(r.ids))
	for i, id := range r.ids {
		ids[i] = model.OrganizationPrefix.ID(string(id))
	}
	return json.Marshal(ids)
}

// UnmarshalJSON reads "all" or a list.
func (r *reach) UnmarshalJSON(text []byte) error {
	var word string
	if json.Unmarshal(text, &word) == nil && word == everyOrganization {
		r.all = true
		return nil
	}
	var ids []string
	if json.Unmarshal(text, &ids) != nil {
		return invalidf("organizations", `organizations is "all" or a list of organization ids`)
	}
	r.ids = []model.OrganizationID{}
	for _, apiID := range ids {
		id, err := stored(model.OrganizationPrefix, apiID)
		if err != nil {
			return err
		}
		r.ids = append(r.ids, model.OrganizationID(id))
	}
	return nil
}

// applicationBody is what POST and PATCH take.
type applicationBody struct {
	Name                   *string   `json:"name"`
	RedirectURIs           *[]string `json:"redirect_uris"`
	PostLogoutRedirectURIs *[]string `json:"post_logout_redirect_uris"`
	BackchannelLogoutURI   *string   `json:"backchannel_logout_uri"`
	InitiateLoginURI       *string   `json:"initiate_login_uri"`
	Organizations          *reach    `json:"organizations"`
	clientBody
}

// apply changes the members that were sent. "all" keeps the list, so that it counts again when
// "all" is withdrawn.
func (b *applicationBody) apply(a *organization.ApplicationFields) error {
	set(&a.Name, b.Name)
	set(&a.RedirectURIs, b.RedirectURIs)
	set(&a.PostLogoutRedirectURIs, b.PostLogoutRedirectURIs)
	set(&a.BackchannelLogoutURI, b.BackchannelLogoutURI)
	set(&a.InitiateLoginURI, b.InitiateLoginURI)
	b.clientBody.apply(&a.Client)
	if b.Organizations != nil {
		a.AllOrganizations = b.Organizations.all
		if !a.AllOrganizations {
			a.Organizations = b.Organizations.ids
		}
	}
	return nil
}

func set[T any](into, sent *T) {
	if sent != nil {
		*into = *sent
	}
}

func (s *Server) listApplications(c *call) error {
	p := c.params()
	page := p.page(model.ApplicationPrefix, "desc")
	if err := p.err(); err != nil {
		return err
	}
	as, info, err := organization.Across(s.Store).Applications(c.ctx(), page.Page)
	if err != nil {
		return err
	}
	return answerList(c, page, forms(as, applicationForm), info)
}

func (s *Server) createApplication(c *call) error {
	body, err := decode[applicationBody](c)
	if err != nil {
		return err
	}
	a := &organization.Application{ApplicationFields: organization.ApplicationFields{AllOrganizations: true,
		Client: organization.DefaultClient()}}
	if err := body.apply(&a.ApplicationFields); err != nil {
		return err
	}
	secret, err := organization.Across(s.Store).CreateApplication(c.ctx(), a, a.Organizations)
	if err != nil {
		return err
	}
	s.note(c, "application created", a.ID)
	o := applicationForm(a)
	o.ClientSecret = secret
	return c.answer(http.StatusCreated, o)
}

// note logs what an operator did to an application.
func (s *Server) note(c *call, message, id string) {
	log := s.Log
	if log == nil {
		log = slog.Default()
	}
	log.InfoContext(c.ctx(), message, "application", model.ApplicationPrefix.ID(id), "actor", c.key.actor)
}

// applicationID returns the stored id of the application that the path names.
func applicationID(c *call) (string, error) {
	return stored(model.ApplicationPrefix, c.Param("id"))
}

func (s *Server) application(c *call) error {
	id, err := applicationID(c)
	if err != nil {
		return err
	}
	a, err := organization.Across(s.Store).Application(c.ctx(), id)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, applicationForm(a))
}

func (s *Server) updateApplication(c *call) error {
	id, err := applicationID(c)
	if err != nil {
		return err
	}
	body, err := decode[applicationBody](c)
	if err != nil {
		return err
	}
	a, err := organization.Across(s.Store).UpdateApplication(c.ctx(), id, body.apply)
	if err != nil {
		return err
	}
	s.note(c, "application updated", id)
	return c.answer(http.StatusOK, applicationForm(a))
}

func (s *Server) deleteApplication(c *call) error {
	id, err := applicationID(c)
	if err != nil {
		return err
	}
	if err := organization.Across(s.Store).DeleteApplication(c.ctx(), id); err != nil {
		return err
	}
	s.note(c, "application deleted", id)
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) joinApplication(c *call) error { return s.serve(c, true) }

func (s *Server) leaveApplication(c *call) error { return s.serve(c, false) }

// serve adds the organization that the path names to those that an application serves, or removes
// it.
func (s *Server) serve(c *call, join bool) error {
	id, err := applicationID(c)
	if err != nil {
		return err
	}
	org, _, err := c.owner(model.OrganizationPrefix, c.Param("organization"))
	if err != nil {
		return err
	}
	if err := organization.Across(s.Store).SetApplicationOrganization(c.ctx(), id, org.ID, join); err != nil {
		return err
	}
	s.note(c, "application's organizations changed", id)
	return c.NoContent(http.StatusNoContent)
}
