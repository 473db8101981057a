package api

import (
	"net/http"

	"rollcall/model"
	"rollcall/model/directory"
)

func (s *Server) listTombstones(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	p := c.params()
	page := p.page(model.TombstonePrefix, "desc")
	if err := p.err(); err != nil {
		return err
	}
	stones, info, err := directory.In(org).Tombstones(c.ctx(), page.Page)
	if err != nil {
		return err
	}
	return answerList(c, page, forms(stones, (*directory.Tombstone).PublicForm), info)
}

func (s *Server) deleteTombstone(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	id, err := stored(model.TombstonePrefix, c.Param("tombstone"))
	if err != nil {
		return err
	}
	if err := directory.In(org).DeleteTombstone(c.ctx(), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
