package api

import (
	"context"
	"net/http"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
)

// userObjects returns the public forms of users of an organization.
func userObjects(ctx context.Context, org *store.Org, users ...people.User) ([]people.UserObject, error) {
	domains, err := organization.In(org).Domains(ctx)
	if err != nil {
		return nil, err
	}
	objects := make([]people.UserObject, len(users))
	for i := range users {
		if objects[i], err = users[i].UserForm(domains); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

func (s *Server) listUsers(c *call) error {
	p := c.params()
	page := p.page(model.UserPrefix, "desc")
	if p.text("organization_id") == "" {
		p.require("organization_id", "send organization_id: users belong to one organization")
	}
	if err := p.err(); err != nil {
		return err
	}
	org, _, err := c.owner(model.OrganizationPrefix, p.text("organization_id"))
	if err != nil {
		return err
	}
	return answerUsers(c, org, page, people.UserQuery{Page: page.Page, Email: p.text("email")})
}

// answerUsers answers with a page of users.
func answerUsers(c *call, org *store.Org, page page, q people.UserQuery) error {
	users, info, err := people.In(org).Users(c.ctx(), q)
	if err != nil {
		return err
	}
	objects, err := userObjects(c.ctx(), org, users...)
	if err != nil {
		return err
	}
	return answerList(c, page, objects, info)
}

// answerUser answers with the user that a call to the store returned.
func answerUser(c *call, org *store.Org, u *people.User, err error) error {
	if err != nil {
		return err
	}
	objects, err := userObjects(c.ctx(), org, *u)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, objects[0])
}

func (s *Server) user(c *call) error {
	org, id, err := c.named(model.UserPrefix)
	if err != nil {
		return err
	}
	u, err := people.In(org).User(c.ctx(), id)
	return answerUser(c, org, u, err)
}

func (s *Server) updateUser(c *call) error {
	org, id, err := c.named(model.UserPrefix)
	if err != nil {
		return err
	}
	body, err := decode[struct {
		Role people.Role `json:"role"`
	}](c)
	if err != nil {
		return err
	}
	u, err := people.In(org).SetRole(c.ctx(), id, body.Role)
	return answerUser(c, org, u, err)
}

func (s *Server) deleteUser(c *call) error {
	org, id, err := c.named(model.UserPrefix)
	if err != nil {
		return err
	}
	if err := directory.In(org).DeleteUser(c.ctx(), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) revokeSessions(c *call) error {
	org, id, err := c.named(model.UserPrefix)
	if err != nil {
		return err
	}
	u, err := people.In(org).RevokeSessions(c.ctx(), id)
	return answerUser(c, org, u, err)
}
