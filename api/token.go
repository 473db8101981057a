package api

import (
	"net/http"

	"rollcall/model"
)

// createdToken is a new token with its secret, which is shown this once.
type createdToken struct {
	model.DirectoryTokenObject
	BearerToken string `json:"bearer_token"`
}

const bearerType = "bearer"

func (s *Server) listTokens(c *call) error {
	org, id, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	ts, err := org.DirectoryTokens(c.ctx(), id)
	if err != nil {
		return err
	}
	// A directory has few tokens: the list is one page.
	return answerList(c, page{}, forms(ts, (*model.DirectoryToken).PublicForm), model.PageInfo{})
}

func (s *Server) createToken(c *call) error {
	org, id, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	body, err := decode[struct {
		Name      string  `json:"name"`
		ExpiresAt *string `json:"expires_at"`
		Type      *string `json:"type"`
	}](c)
	if err != nil {
		return err
	}
	if body.Type != nil && *body.Type != bearerType {
		return invalidf("type", "type is %q, or is left out", bearerType)
	}
	var expires *model.Time
	if body.ExpiresAt != nil {
		at, problem := parseMoment("expires_at", *body.ExpiresAt)
		if problem != nil {
			return problem
		}
		expires = at
	}
	t, token, err := org.CreateDirectoryToken(c.ctx(), id, body.Name, expires)
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, createdToken{t.PublicForm(), token})
}

func (s *Server) deleteToken(c *call) error {
	org, directory, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	id, err := stored(model.DirectoryTokenPrefix, c.Param("token"))
	if err != nil {
		return err
	}
	if err := org.RevokeDirectoryToken(c.ctx(), directory, id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
