package api

import (
	"net/http"
	"strings"

	"rollcall/model"
)

// setUpPassword makes the link with which an administrator sets their password. It is shown this
// once; who made it sends it to them.
func (s *Server) setUpPassword(c *call) error {
	org, id, err := c.named(model.UserPrefix)
	if err != nil {
		return err
	}
	setup, token, err := org.CreatePasswordSetup(c.ctx(), id)
	if err != nil {
		return err
	}
	object := setup.PublicForm()
	object.URL = strings.TrimSuffix(s.PublicURL, "/") + "/password/" + token
	return c.answer(http.StatusCreated, object)
}
