package api

import (
	"net/http"
	"strings"

	"rollcall/model"
	"rollcall/model/people"
)

// setUpPassword makes a link by which an administrator sets a password. The link is shown only in
// this answer, and the caller sends it to the administrator.
func (s *Server) setUpPassword(c *call) error {
	org, id, err := c.named(model.UserPrefix)
	if err != nil {
		return err
	}
	setup, token, err := people.In(org).CreatePasswordSetup(c.ctx(), id)
	if err != nil {
		return err
	}
	object := setup.PublicForm()
	object.URL = strings.TrimSuffix(s.PublicURL, "/") + "/password/" + token
	return c.answer(http.StatusCreated, object)
}
