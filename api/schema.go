package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rollcall/model"
	"rollcall/model/directory"
)

// schemaURN returns the URN that the path names.
func schemaURN(c *call) string {
	urn := c.Param("urn")
	if decoded, err := url.PathUnescape(urn); err == nil {
		urn = decoded
	}
	return urn
}

func (s *Server) listSchemas(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	list, err := directory.In(org).Schemas(c.ctx())
	if err != nil {
		return err
	}
	// An organization has few schemas: the list is one page.
	return answerList(c, page{}, forms(list, (*directory.Schema).PublicForm), model.PageInfo{})
}

func (s *Server) schema(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	found, err := directory.In(org).Schema(c.ctx(), schemaURN(c))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, found.PublicForm())
}

// schemaOfSchemas is the URN that a schema has as a SCIM resource (RFC 7643, section 7).
const schemaOfSchemas = "urn:ietf:params:scim:schemas:core:2.0:Schema"

func (s *Server) putSchema(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	body, err := decode[struct {
		Schemas     []string                    `json:"schemas"`
		ID          string                      `json:"id"`
		Name        string                      `json:"name"`
		Description string                      `json:"description"`
		Attributes  []directory.SchemaAttribute `json:"attributes"`
	}](c)
	if err != nil {
		return err
	}
	declared := &directory.Schema{URN: schemaURN(c), Name: body.Name, Description: body.Description,
		Attributes: body.Attributes}
	if body.ID != "" && !strings.EqualFold(body.ID, declared.URN) {
		return invalidf("id", "id is the URN of the path, or is left out")
	}
	if len(body.Schemas) > 0 && !slices.Contains(body.Schemas, schemaOfSchemas) {
		return invalidf("schemas", "schemas is [%q], or is left out", schemaOfSchemas)
	}
	created, err := directory.In(org).PutSchema(c.ctx(), declared)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return c.answer(status, declared.PublicForm())
}

func (s *Server) deleteSchema(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	if err := directory.In(org).DeleteSchema(c.ctx(), schemaURN(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
