package api

import (
	"net/http"

	"rollcall/model"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// listSessions lists the live sessions of a user or of a whole organization.
func (s *Server) listSessions(c *call) error {
	p := c.params()
	page := p.page(model.SessionPrefix, "desc")
	user, organization := p.text("user"), p.text("organization_id")
	if user == "" && organization == "" {
		p.require("user", "send user or organization_id, with the id of the one whose sessions are wanted")
	}
	if err := p.err(); err != nil {
		return err
	}
	var org *store.Org
	var userID string
	var err error
	if organization != "" {
		if org, _, err = c.owner(model.OrganizationPrefix, organization); err != nil {
			return err
		}
	}
	if user != "" {
		of, id, err := c.owner(model.UserPrefix, user)
		if err != nil {
			return err
		}
		if org != nil && org.ID != of.ID {
			return notFound(model.UserPrefix, user)
		}
		org, userID = of, id
	}
	sessions, info, err := signon.In(org).Sessions(c.ctx(), userID, page.Page)
	if err != nil {
		return err
	}
	return answerList(c, page, forms(sessions, (*people.Session).PublicForm), info)
}

// deleteSession ends one browser's session, and the access of the applications that the user
// entered by it.
func (s *Server) deleteSession(c *call) error {
	org, id, err := c.named(model.SessionPrefix)
	if err != nil {
		return err
	}
	if err := signon.In(org).EndSession(c.ctx(), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
