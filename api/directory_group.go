package api

import (
	"net/http"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/people"
	"rollcall/model/store"
)

func (s *Server) listDirectoryGroups(c *call) error {
	p := c.params()
	page := p.page(model.DirectoryGroupPrefix, "desc")
	dir, user := p.text("directory"), p.text("user")
	if dir == "" && user == "" {
		p.require("directory", "send directory or user, with the id of the one whose groups are wanted")
	}
	if err := p.err(); err != nil {
		return err
	}
	q := directory.GroupQuery{Page: page.Page}
	var org *store.Org
	var err error
	if user != "" {
		if org, q.UserID, err = c.owner(model.DirectoryUserPrefix, user); err != nil {
			return err
		}
	}
	if dir != "" {
		if org, q.DirectoryID, err = c.owner(model.DirectoryPrefix, dir); err != nil {
			return err
		}
	}
	gs, info, err := directory.In(org).GroupPage(c.ctx(), q)
	if err != nil {
		return err
	}
	return answerList(c, page, forms(gs, (*people.DirectoryGroup).PublicForm), info)
}

func (s *Server) directoryGroup(c *call) error {
	org, id, err := c.named(model.DirectoryGroupPrefix)
	if err != nil {
		return err
	}
	g, err := people.In(org).DirectoryGroup(c.ctx(), "", id)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, g.PublicForm())
}
