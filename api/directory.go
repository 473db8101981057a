package api

import (
	"net/http"
	"strings"

	"rollcall/model"
	"rollcall/model/directory"
)

// directoryObject is a directory with what its identity provider needs.
type directoryObject struct {
	directory.DirectoryObject
	SCIM scimAccess `json:"scim"`
}

type scimAccess struct {
	BaseURL     string `json:"base_url"`
	BearerToken string `json:"bearer_token,omitempty"` // shown only when the directory is created
}

// countedDirectory is a directory with the numbers of its users and groups.
type countedDirectory struct {
	directoryObject
	Metadata directoryMetadata `json:"metadata"`
}

type directoryMetadata struct {
	Users struct {
		Active   int64 `json:"active"`
		Inactive int64 `json:"inactive"`
	} `json:"users"`
	Groups int64 `json:"groups"`
}

// directoryForm shows a directory as it is now: an alert ends by itself after some time.
func (s *Server) directoryForm(d *directory.Directory) directoryObject {
	o := d.PublicForm(model.TimeOf(s.Store.Now()))
	return directoryObject{o, scimAccess{BaseURL: strings.TrimSuffix(s.PublicURL, "/") + "/scim/v2/" + o.ID}}
}

func (s *Server) listDirectories(c *call) error {
	p := c.params()
	page := p.page(model.DirectoryPrefix, "desc")
	if err := p.err(); err != nil {
		return err
	}
	q := directory.DirectoryQuery{Page: page.Page, Domain: p.text("domain"), Search: p.text("search")}
	if id := p.text("organization_id"); id != "" {
		org, _, err := c.owner(model.OrganizationPrefix, id)
		if err != nil {
			return err
		}
		q.OrganizationID = org.ID
	}
	ds, info, err := directory.Across(s.Store).Directories(c.ctx(), c.key.scope, q)
	if err != nil {
		return err
	}
	return answerList(c, page, forms(ds, s.directoryForm), info)
}

func (s *Server) createDirectory(c *call) error {
	body, err := decode[struct {
		OrganizationID string `json:"organization_id"`
		Name           string `json:"name"`
		Type           string `json:"type"`
	}](c)
	if err != nil {
		return err
	}
	if err := required("organization_id", body.OrganizationID); err != nil {
		return err
	}
	org, _, err := c.owner(model.OrganizationPrefix, body.OrganizationID)
	if err != nil {
		return err
	}
	d, token, err := directory.In(org).CreateDirectory(c.ctx(), body.Name, body.Type)
	if err != nil {
		return err
	}
	o := s.directoryForm(d)
	o.SCIM.BearerToken = token
	return c.answer(http.StatusCreated, o)
}

func (s *Server) directory(c *call) error {
	org, id, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	d, err := directory.In(org).Directory(c.ctx(), id)
	if err != nil {
		return err
	}
	counts, err := directory.Of(org, id).Counts(c.ctx())
	if err != nil {
		return err
	}
	o := countedDirectory{directoryObject: s.directoryForm(d)}
	o.Metadata.Users.Active, o.Metadata.Users.Inactive = counts.ActiveUsers, counts.InactiveUsers
	o.Metadata.Groups = counts.Groups
	return c.answer(http.StatusOK, o)
}

func (s *Server) updateDirectory(c *call) error {
	org, id, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	body, err := decode[struct {
		Name   *string `json:"name"`
		Strict *bool   `json:"strict"`

		MassChangePercent       *int64 `json:"mass_change_percent"`
		MassChangeWindowSeconds *int64 `json:"mass_change_window_seconds"`
	}](c)
	if err != nil {
		return err
	}
	d, err := directory.In(org).UpdateDirectory(c.ctx(), id, func(d *directory.DirectoryFields) error {
		set(&d.Name, body.Name)
		set(&d.Strict, body.Strict)
		set(&d.MassChangePercent, body.MassChangePercent)
		set(&d.MassChangeWindowSeconds, body.MassChangeWindowSeconds)
		return nil
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, s.directoryForm(d))
}

// syncDirectory answers the reference's wish to read a directory now. Over SCIM the identity
// provider pushes, so that there is nothing to read.
func (s *Server) syncDirectory(c *call) error {
	org, id, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	if _, err := directory.In(org).Directory(c.ctx(), id); err != nil {
		return err
	}
	return c.answer(http.StatusAccepted, map[string]string{"status": "queued"})
}

func (s *Server) deleteDirectory(c *call) error {
	org, id, err := c.named(model.DirectoryPrefix)
	if err != nil {
		return err
	}
	if err := directory.In(org).DeleteDirectory(c.ctx(), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}
