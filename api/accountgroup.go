package api

import (
	"net/http"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/store"
)

// groupRefBody names a directory group, by its id or by a name.
type groupRefBody struct {
	DirectoryGroupID string `json:"directory_group_id"`
	Name             string `json:"name"`
}

func (b groupRefBody) ref() (entitle.DirectoryGroupRef, error) {
	ref := entitle.DirectoryGroupRef{Name: b.Name}
	if b.DirectoryGroupID != "" {
		id, ok := model.DirectoryGroupPrefix.Parse(b.DirectoryGroupID)
		if !ok {
			return ref, invalidf("directory_group_id", "the organization has no directory group %.64q",
				b.DirectoryGroupID)
		}
		ref.DirectoryGroupID = &id
	}
	return ref, nil
}

// groupBody is what POST and PATCH take. PATCH changes only the members that are sent. It does not
// change mappings: other calls add and remove them one by one.
type groupBody struct {
	Name            *string        `json:"name"`
	Permissions     *[]string      `json:"permissions"`
	AssignByDefault *bool          `json:"assign_by_default"`
	Mappings        []groupRefBody `json:"mappings"`
}

func (b *groupBody) apply(to *entitle.AccountGroupFields) {
	set(&to.Name, b.Name)
	set(&to.Permissions, b.Permissions)
	set(&to.AssignByDefault, b.AssignByDefault)
}

// groupNamed returns the organization, the account and the group that the path names.
func (c *call) groupNamed() (org *store.Org, account, group string, err error) {
	org, account, err = c.named(model.AccountPrefix)
	if err == nil {
		group, err = stored(model.GroupPrefix, c.Param("group"))
	}
	return org, account, group, err
}

func (s *Server) listGroups(c *call) error {
	org, id, err := c.named(model.AccountPrefix)
	if err != nil {
		return err
	}
	p := c.params()
	page := p.page(model.GroupPrefix, "desc")
	if err := p.err(); err != nil {
		return err
	}
	gs, info, err := entitle.In(org).AccountGroups(c.ctx(), id, page.Page)
	if err != nil {
		return err
	}
	return answerList(c, page, forms(gs, (*entitle.AccountGroup).PublicForm), info)
}

func (s *Server) createGroup(c *call) error {
	org, id, err := c.named(model.AccountPrefix)
	if err != nil {
		return err
	}
	body, err := decode[groupBody](c)
	if err != nil {
		return err
	}
	g := &entitle.AccountGroup{AccountID: id}
	body.apply(&g.AccountGroupFields)
	if err := required("name", g.Name); err != nil {
		return err
	}
	for _, m := range body.Mappings {
		ref, err := m.ref()
		if err != nil {
			return err
		}
		g.Mappings = append(g.Mappings, entitle.GroupMapping{DirectoryGroupRef: ref})
	}
	if err := entitle.In(org).CreateAccountGroup(c.ctx(), g); err != nil {
		return err
	}
	return c.answer(http.StatusCreated, g.PublicForm())
}

// answerGroup answers with the group that a call to the store returned.
func answerGroup(c *call, status int, g *entitle.AccountGroup, err error) error {
	if err != nil {
		return err
	}
	return c.answer(status, g.PublicForm())
}

func (s *Server) group(c *call) error {
	org, account, id, err := c.groupNamed()
	if err != nil {
		return err
	}
	g, err := entitle.In(org).AccountGroup(c.ctx(), account, id)
	return answerGroup(c, http.StatusOK, g, err)
}

func (s *Server) updateGroup(c *call) error {
	org, account, id, err := c.groupNamed()
	if err != nil {
		return err
	}
	body, err := decode[groupBody](c)
	if err != nil {
		return err
	}
	if body.Mappings != nil {
		return invalidf("mappings", "mappings are added by POST and removed by DELETE at %s/mappings",
			c.Request().URL.Path)
	}
	g, err := entitle.In(org).UpdateAccountGroup(c.ctx(), account, id, func(change *entitle.AccountGroupFields) error {
		body.apply(change)
		return nil
	})
	return answerGroup(c, http.StatusOK, g, err)
}

func (s *Server) deleteGroup(c *call) error {
	org, account, id, err := c.groupNamed()
	if err != nil {
		return err
	}
	if err := entitle.In(org).DeleteAccountGroup(c.ctx(), account, id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) addMapping(c *call) error {
	org, account, id, err := c.groupNamed()
	if err != nil {
		return err
	}
	body, err := decode[groupRefBody](c)
	if err != nil {
		return err
	}
	ref, err := body.ref()
	if err != nil {
		return err
	}
	g, err := entitle.In(org).AddMapping(c.ctx(), account, id, ref)
	return answerGroup(c, http.StatusCreated, g, err)
}

// removeMapping reads the directory group from the query: the body of a DELETE has no defined
// meaning (RFC 9110, section 9.3.5).
func (s *Server) removeMapping(c *call) error {
	org, account, id, err := c.groupNamed()
	if err != nil {
		return err
	}
	ref, err := groupRefBody{c.text("directory_group_id"), c.text("name")}.ref()
	if err != nil {
		return err
	}
	g, err := entitle.In(org).RemoveMapping(c.ctx(), account, id, ref)
	return answerGroup(c, http.StatusOK, g, err)
}

func (s *Server) listAssignments(c *call) error {
	org, account, id, err := c.groupNamed()
	if err != nil {
		return err
	}
	p := c.params()
	page := p.page(model.GroupAssignmentPrefix, "desc")
	if err := p.err(); err != nil {
		return err
	}
	if _, err := entitle.In(org).AccountGroup(c.ctx(), account, id); err != nil {
		return err
	}
	as, info, err := entitle.In(org).GroupAssignments(c.ctx(), entitle.AssignmentQuery{Page: page.Page, GroupID: id})
	if err != nil {
		return err
	}
	return answerList(c, page, forms(as, (*entitle.GroupAssignment).PublicForm), info)
}

func (s *Server) assignGroup(c *call) error {
	org, account, id, err := c.groupNamed()
	if err != nil {
		return err
	}
	user, err := stored(model.UserPrefix, c.Param("user"))
	if err != nil {
		return err
	}
	a, err := entitle.In(org).AssignGroup(c.ctx(), account, id, user)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, a.PublicForm())
}

func (s *Server) unassignGroup(c *call) error {
	org, account, id, err := c.groupNamed()
	if err != nil {
		return err
	}
	user, err := stored(model.UserPrefix, c.Param("user"))
	if err != nil {
		return err
	}
	if err := entitle.In(org).UnassignGroup(c.ctx(), account, id, user); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
