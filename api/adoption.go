package api

import (
	"rollcall/model"
	"rollcall/model/people"
)

// listAdoptions lists the administrators that a directory may take over only after somebody has
// confirmed it. Until then a request of a directory to create one of them is refused.
func (s *Server) listAdoptions(c *call) error {
	org, _, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	p := c.params()
	page := p.page(model.UserPrefix, "desc")
	if err := p.err(); err != nil {
		return err
	}
	return answerUsers(c, org, page, people.UserQuery{Page: page.Page, Awaiting: true})
}

func (s *Server) confirmAdoption(c *call) error {
	org, _, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	id, err := stored(model.UserPrefix, c.Param("user"))
	if err != nil {
		return err
	}
	u, err := people.In(org).ConfirmAdoption(c.ctx(), id)
	return answerUser(c, org, u, err)
}
