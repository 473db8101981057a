package api

import (
	"context"
	"math"
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

// mostGroups is how many groups the users of a page may have together. A page of users who have
// more is shorter than asked for: its answer would be of no known size.
const mostGroups = 2_000

// directoryUserObjects are the public forms of users with their groups. There are none where the
// users have more than most groups together.
func directoryUserObjects(ctx context.Context, org *store.Org, most int, users ...people.User) (
	[]directoryUserObject, error) {
	ids := make([]string, len(users))
	for i := range users {
		ids[i] = users[i].ID
	}
	groups, all, err := directory.In(org).DirectoryGroupsOf(ctx, most, ids...)
	if err != nil || !all {
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
	objects, info, err := directoryUserPage(c.ctx(), org, q)
	if err != nil {
		return err
	}
	return answerList(c, page, objects, info)
}

// directoryUserPage reads users with their groups: as many as asked for, or fewer where they have
// many groups, but at least one.
func directoryUserPage(ctx context.Context, org *store.Org, q people.UserQuery) (
	[]directoryUserObject, model.PageInfo, error) {
	for {
		users, info, err := people.In(org).Users(ctx, q)
		if err != nil {
			return nil, info, err
		}
		most := mostGroups
		if len(users) <= 1 {
			most = math.MaxInt32
		}
		objects, err := directoryUserObjects(ctx, org, most, users...)
		if err != nil || objects != nil {
			return objects, info, err
		}
		q.Limit = len(users) / 2
	}
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
	objects, err := directoryUserObjects(c.ctx(), org, math.MaxInt32, *u)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, objects[0])
}
