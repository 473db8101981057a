package api

import (
	"context"
	"net/http"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/people"
	"rollcall/model/store"
)

// directoryUserObject is the reference's DirectoryUserWithGroups.
type directoryUserObject struct {
	people.DirectoryUserObject
	Groups []people.DirectoryGroupObject `json:"groups"`
}

// directoryUserObjects are the public forms of users with their groups.
func directoryUserObjects(ctx context.Context, org *store.Org, users ...people.User) ([]directoryUserObject, error) {
	ids := make([]string, len(users))
	for i := range users {
		ids[i] = users[i].ID
	}
	groups, err := directory.In(org).DirectoryGroupsOf(ctx, ids...)
	if err != nil {
		return nil, err
	}
	objects := make([]directoryUserObject, len(users))
	for i := range users {
		form, err := users[i].DirectoryUserForm()
		if err != nil {
			return nil, err
		}
		objects[i] = directoryUserObject{form, forms(groups[users[i].ID], (*people.DirectoryGroup).PublicForm)}
	}
	return objects, nil
}

func (s *Server) listDirectoryUsers(c *call) error {
	p := c.params()
	page := p.page(model.DirectoryUserPrefix, "desc")
	directory, group := p.text("directory"), p.text("group")
	q := people.UserQuery{Page: page.Page, IdpID: p.text("idp_id"), Email: p.text("email"), Owned: true}
	switch {
	case directory == "" && (q.IdpID != "" || q.Email != ""):
		p.require("directory", "idp_id and email are looked up in a directory: send directory")
	case directory == "" && group == "":
		p.require("directory", "send directory or group, with the id of the one whose users are wanted")
	}
	if err := p.err(); err != nil {
		return err
	}
	var org *store.Org
	var err error
	if group != "" {
		if org, q.GroupID, err = c.owner(model.DirectoryGroupPrefix, group); err != nil {
			return err
		}
	}
	if directory != "" {
		if org, q.DirectoryID, err = c.owner(model.DirectoryPrefix, directory); err != nil {
			return err
		}
	}
	users, info, err := people.In(org).Users(c.ctx(), q)
	if err != nil {
		return err
	}
	objects, err := directoryUserObjects(c.ctx(), org, users...)
	if err != nil {
		return err
	}
	return answerList(c, page, objects, info)
}

func (s *Server) directoryUser(c *call) error {
	org, id, err := c.named(model.DirectoryUserPrefix)
	if err != nil {
		return err
	}
	u, err := people.In(org).User(c.ctx(), id)
	if err != nil {
		return err
	}
	if u.DirectoryID == nil {
		return notFound(model.DirectoryUserPrefix, c.Param("id"))
	}
	objects, err := directoryUserObjects(c.ctx(), org, *u)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, objects[0])
}
