package api

import (
	"net/http"
	"strings"

	"rollcall/model"
	"rollcall/model/directory"
)

// tokenObject is a token with its type, which the reference's events do not have.
type tokenObject struct {
	directory.DirectoryTokenObject
	Type directory.TokenType `json:"type"`
}

func tokenForm(t *directory.DirectoryToken) tokenObject { return tokenObject{t.PublicForm(), t.Type} }

// createdToken is a new token with its secret, which is shown only in this answer.
type createdToken struct {
	tokenObject
	BearerToken string `json:"bearer_token,omitempty"`
	*createdClient
}

// createdClient is what an identity provider needs to get access tokens by client credentials.
type createdClient struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	TokenURL     string `json:"token_url"`
}

func (s *Server) listTokens(c *call) error {
	org, id, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	ts, err := directory.Of(org, id).Tokens(c.ctx())
	if err != nil {
		return err
	}
	// A directory has few tokens: the list is one page.
	return answerList(c, page{}, forms(ts, tokenForm), model.PageInfo{})
}

func (s *Server) createToken(c *call) error {
	org, id, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	body, err := decode[struct {
		Name      string               `json:"name"`
		ExpiresAt *string              `json:"expires_at"`
		Type      *directory.TokenType `json:"type"`
	}](c)
	if err != nil {
		return err
	}
	create := directory.Of(org, id).CreateToken
	if body.Type != nil {
		switch *body.Type {
		case directory.BearerToken:
		case directory.ClientCredentials:
			create = directory.Of(org, id).CreateClient
		default:
			return invalidf("type", "type is %q or %q, or is left out", directory.BearerToken,
				directory.ClientCredentials)
		}
	}
	var expires *model.Time
	if body.ExpiresAt != nil {
		at, problem := parseMoment("expires_at", *body.ExpiresAt)
		if problem != nil {
			return problem
		}
		expires = at
	}
	t, secret, err := create(c.ctx(), body.Name, expires)
	if err != nil {
		return err
	}
	created := createdToken{tokenObject: tokenForm(t)}
	if t.Type == directory.ClientCredentials {
		created.createdClient = &createdClient{t.ClientID(), secret,
			strings.TrimSuffix(s.PublicURL, "/") + "/scim/oauth2/token"}
	} else {
		created.BearerToken = secret
	}
	return c.answer(http.StatusCreated, created)
}

func (s *Server) deleteToken(c *call) error {
	org, dir, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	id, err := stored(model.DirectoryTokenPrefix, c.Param("token"))
	if err != nil {
		return err
	}
	if err := directory.Of(org, dir).RevokeToken(c.ctx(), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
