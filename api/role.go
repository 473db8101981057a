package api

import (
	"net/http"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// roleObject is the reference's Role.
type roleObject struct {
	Object           string      `json:"object"`
	ID               string      `json:"id"`
	Name             string      `json:"name"`
	Slug             people.Role `json:"slug"`
	Description      *string     `json:"description"`
	Type             string      `json:"type"`
	ResourceTypeSlug string      `json:"resource_type_slug"`
	Permissions      []string    `json:"permissions"`
	CreatedAt        model.Time  `json:"created_at"`
	UpdatedAt        model.Time  `json:"updated_at"`
}

// roleList is the reference's list of roles, which is never paged.
type roleList struct {
	Object string       `json:"object"`
	Data   []roleObject `json:"data"`
}

// roles are the two roles that a user can have. They are the same in all organizations, and as old
// as the organization.
func roles(g *organization.Organization) []roleObject {
	role := func(id, name string, slug people.Role, description string) roleObject {
		return roleObject{"role", id, name, slug, &description, "EnvironmentRole", "organization", []string{},
			g.CreatedAt, g.CreatedAt}
	}
	return []roleObject{
		role("role_00000000000000000000000001", "Member", people.Member, "Everybody at first"),
		role("role_00000000000000000000000002", "Admin", people.Admin, "Administrators of the organization"),
	}
}

func (s *Server) listRoles(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	g, err := organization.In(org).Organization(c.ctx())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, roleList{"list", roles(g)})
}

func (s *Server) role(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	g, err := organization.In(org).Organization(c.ctx())
	if err != nil {
		return err
	}
	for _, r := range roles(g) {
		if string(r.Slug) == c.Param("slug") {
			return c.answer(http.StatusOK, r)
		}
	}
	return model.NotFoundf("there is no role %.64q; the roles are %s and %s", c.Param("slug"), people.Member,
		people.Admin)
}
