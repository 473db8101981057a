package api

import (
	"net/http"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/store"
)

// entitlementRoutes are the routes of accounts, of their licenses and groups, and of the rules that
// grant them.
func (s *Server) entitlementRoutes() []route {
	return []route{
		{http.MethodGet, "/accounts", s.listAccounts},
		{http.MethodPost, "/accounts", s.createAccount},
		{http.MethodGet, "/accounts/:id", s.account},
		{http.MethodPatch, "/accounts/:id", s.updateAccount},
		{http.MethodDelete, "/accounts/:id", bodiless(s.deleteAccount)},
		{http.MethodGet, "/accounts/:id/groups", s.listGroups},
		{http.MethodPost, "/accounts/:id/groups", s.createGroup},
		{http.MethodGet, "/accounts/:id/groups/:group", s.group},
		{http.MethodPatch, "/accounts/:id/groups/:group", s.updateGroup},
		{http.MethodDelete, "/accounts/:id/groups/:group", bodiless(s.deleteGroup)},
		{http.MethodPost, "/accounts/:id/groups/:group/mappings", s.addMapping},
		{http.MethodDelete, "/accounts/:id/groups/:group/mappings", bodiless(s.removeMapping)},
		{http.MethodGet, "/accounts/:id/groups/:group/users", s.listAssignments},
		{http.MethodPut, "/accounts/:id/groups/:group/users/:user", bodiless(s.assignGroup)},
		{http.MethodDelete, "/accounts/:id/groups/:group/users/:user", bodiless(s.unassignGroup)},

		{http.MethodGet, "/licenses", s.listLicenses},
		{http.MethodPost, "/licenses", s.assignLicense},
		{http.MethodGet, "/licenses/:id", s.license},
		{http.MethodDelete, "/licenses/:id", bodiless(s.unassignLicense)},

		{http.MethodGet, "/organizations/:id/role_mapping", s.roleMapping},
		{http.MethodPut, "/organizations/:id/role_mapping", s.setRoleMapping},
		{http.MethodDelete, "/organizations/:id/role_mapping", bodiless(s.deleteRoleMapping)},
		{http.MethodPost, "/organizations/:id/entitlement_preview", s.previewEntitlement},
		{http.MethodGet, "/organizations/:id/recompute", s.recompute},
	}
}

// accountBody is what POST and PATCH take. PATCH changes only the members that are sent.
type accountBody struct {
	Name  *string         `json:"name"`
	Seats optional[int64] `json:"seats"` // null for no limit
}

func (b *accountBody) apply(to *entitle.AccountFields) {
	set(&to.Name, b.Name)
	if b.Seats.given {
		to.Seats = b.Seats.value
	}
}

// ownedList reads the parameters of a list. The query names the organization that the list belongs
// to.
func (c *call) ownedList(kind model.Prefix) (*store.Org, *params, page, error) {
	p := c.params()
	page := p.page(kind, "desc")
	if p.text("organization_id") == "" {
		p.require("organization_id", "send organization_id: the list is of one organization")
	}
	if err := p.err(); err != nil {
		return nil, nil, page, err
	}
	org, _, err := c.owner(model.OrganizationPrefix, p.text("organization_id"))
	return org, p, page, err
}

func (s *Server) listAccounts(c *call) error {
	org, _, page, err := c.ownedList(model.AccountPrefix)
	if err != nil {
		return err
	}
	as, info, err := entitle.In(org).Accounts(c.ctx(), page.Page)
	if err != nil {
		return err
	}
	return answerList(c, page, forms(as, (*entitle.Account).PublicForm), info)
}

func (s *Server) createAccount(c *call) error {
	body, err := decode[struct {
		OrganizationID string `json:"organization_id"`
		accountBody
	}](c)
	if err != nil {
		return err
	}
	if err := required("organization_id", body.OrganizationID); err != nil {
		return err
	}
	org, _, err := c.owner(model.OrganizationPrefix, body.OrganizationID)
	if err != nil {
		return err
	}
	a := &entitle.Account{}
	body.apply(&a.AccountFields)
	if err := required("name", a.Name); err != nil {
		return err
	}
	if err := entitle.In(org).CreateAccount(c.ctx(), a); err != nil {
		return err
	}
	return c.answer(http.StatusCreated, a.PublicForm())
}

func (s *Server) account(c *call) error {
	org, id, err := c.named(model.AccountPrefix)
	if err != nil {
		return err
	}
	a, err := entitle.In(org).Account(c.ctx(), id)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, a.PublicForm())
}

func (s *Server) updateAccount(c *call) error {
	org, id, err := c.named(model.AccountPrefix)
	if err != nil {
		return err
	}
	body, err := decode[accountBody](c)
	if err != nil {
		return err
	}
	a, err := entitle.In(org).UpdateAccount(c.ctx(), id, func(change *entitle.AccountFields) error {
		body.apply(change)
		return nil
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, a.PublicForm())
}

func (s *Server) deleteAccount(c *call) error {
	org, id, err := c.named(model.AccountPrefix)
	if err != nil {
		return err
	}
	if err := entitle.In(org).DeleteAccount(c.ctx(), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// accountIDs returns the stored ids of the accounts that a body lists. An id that cannot be one of
// an account is refused like the id of an account that does not exist.
func accountIDs(field string, apiIDs []string) ([]string, error) {
	ids := []string{}
	for _, apiID := range apiIDs {
		id, ok := model.AccountPrefix.Parse(apiID)
		if !ok {
			return nil, invalidf(field, "the organization has no account %.64q", apiID)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// publicIDs returns the API ids for stored ids. The result is never nil.
func publicIDs(kind model.Prefix, ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = kind.ID(id)
	}
	return out
}
