package api

import (
	"rollcall/model"
	"rollcall/model/requestlog"
)

// listRequests lists the last SCIM requests of a directory. A request appears within a second after
// its answer, whichever replica answered it.
func (s *Server) listRequests(c *call) error {
	org, id, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	p := c.params()
	page := p.page(model.DirectoryRequestPrefix, "desc")
	if err := p.err(); err != nil {
		return err
	}
	rs, info, err := requestlog.In(org).Requests(c.ctx(), id, page.Page)
	if err != nil {
		return err
	}
	return answerList(c, page, forms(rs, (*requestlog.Request).PublicForm), info)
}
