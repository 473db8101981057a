package api

import (
	"net/http"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/people"
)

func (s *Server) roleMapping(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	m, err := entitle.In(org).RoleMapping(c.ctx())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, m.PublicForm())
}

func (s *Server) setRoleMapping(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
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
	m, err := entitle.In(org).SetRoleMapping(c.ctx(), ref)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, m.PublicForm())
}

func (s *Server) deleteRoleMapping(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	if err := entitle.In(org).DeleteRoleMapping(c.ctx()); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// recompute shows the progress of carrying out the last change of the rules.
func (s *Server) recompute(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	r, err := entitle.In(org).Recompute(c.ctx())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, r.PublicForm())
}

// previewBody has the rules to preview. Rules that it does not name stay as they are.
type previewBody struct {
	Connections []struct {
		ID       string   `json:"id"`
		Accounts []string `json:"accounts"`
	} `json:"connections"`
	Groups []struct {
		ID              string          `json:"id"`
		AssignByDefault *bool           `json:"assign_by_default"`
		Mappings        *[]groupRefBody `json:"mappings"`
	} `json:"groups"`
	RoleMapping optional[groupRefBody] `json:"role_mapping"` // null for none
}

func (b *previewBody) proposal() (entitle.Proposal, error) {
	p := entitle.Proposal{Connections: map[string][]string{}, Groups: map[string]entitle.ProposedGroup{}}
	for _, c := range b.Connections {
		id, ok := model.ConnectionPrefix.Parse(c.ID)
		if !ok {
			return p, invalidf("connections", "the organization has no connection %.64q", c.ID)
		}
		accounts, err := accountIDs("connections", c.Accounts)
		if err != nil {
			return p, err
		}
		p.Connections[id] = accounts
	}
	for _, g := range b.Groups {
		id, ok := model.GroupPrefix.Parse(g.ID)
		if !ok {
			return p, invalidf("groups", "the organization has no group %.64q", g.ID)
		}
		proposed := entitle.ProposedGroup{AssignByDefault: g.AssignByDefault}
		if g.Mappings != nil {
			refs := []entitle.DirectoryGroupRef{}
			for _, m := range *g.Mappings {
				ref, err := m.ref()
				if err != nil {
					return p, err
				}
				refs = append(refs, ref)
			}
			proposed.Mappings = &refs
		}
		p.Groups[id] = proposed
	}
	if b.RoleMapping.given {
		p.Role = &entitle.ProposedRole{}
		if b.RoleMapping.value != nil {
			ref, err := b.RoleMapping.value.ref()
			if err != nil {
				return p, err
			}
			p.Role.Mapping = &ref
		}
	}
	return p, nil
}

// previewObject shows which users would gain and lose what: the totals, and a page of users.
type previewObject struct {
	Object       string           `json:"object"`
	Users        int64            `json:"users"`
	Accounts     []accountPreview `json:"accounts"`
	Groups       []groupPreview   `json:"groups"`
	Admins       gainLoss         `json:"admins"`
	Data         []userPreview    `json:"data"`
	ListMetadata listMetadata     `json:"list_metadata"`
}

type gainLoss struct {
	Gained int64 `json:"gained"`
	Lost   int64 `json:"lost"`
}

type accountPreview struct {
	AccountID string `json:"account_id"`
	gainLoss
	Seats     *int64 `json:"seats"`
	SeatsUsed int64  `json:"seats_used"`
	Waiting   int64  `json:"waiting"` // users who would get no seat
}

type groupPreview struct {
	GroupID string `json:"group_id"`
	gainLoss
}

type userPreview struct {
	UserID   string     `json:"user_id"`
	Email    string     `json:"email"`
	Licenses idsChanged `json:"licenses"` // of accounts
	Groups   idsChanged `json:"groups"`
	Role     *roleMoved `json:"role"` // null if it would not change
}

type idsChanged struct {
	Gained []string `json:"gained"`
	Lost   []string `json:"lost"`
}

type roleMoved struct {
	From people.Role `json:"from"`
	To   people.Role `json:"to"`
}

func previewForm(p *entitle.Preview, page page) previewObject {
	out := previewObject{Object: "entitlement_preview", Users: p.Users, Admins: gainLoss(p.Admins),
		Accounts: []accountPreview{}, Groups: []groupPreview{}, Data: []userPreview{},
		ListMetadata: page.metadata(model.PageInfo{After: p.Next})}
	for _, a := range p.Accounts {
		out.Accounts = append(out.Accounts, accountPreview{
			model.AccountPrefix.ID(a.ID), gainLoss(a.GainLoss), a.Seats, a.SeatsUsed, a.Waiting})
	}
	for _, g := range p.Groups {
		out.Groups = append(out.Groups, groupPreview{model.GroupPrefix.ID(g.ID), gainLoss(g.GainLoss)})
	}
	for _, u := range p.Changes {
		line := userPreview{UserID: model.UserPrefix.ID(u.UserID), Email: u.Email,
			Licenses: idsChanged{publicIDs(model.AccountPrefix, u.LicensesGained),
				publicIDs(model.AccountPrefix, u.LicensesLost)},
			Groups: idsChanged{publicIDs(model.GroupPrefix, u.GroupsGained),
				publicIDs(model.GroupPrefix, u.GroupsLost)}}
		if u.RoleGained {
			line.Role = &roleMoved{people.Member, people.Admin}
		}
		if u.RoleLost {
			line.Role = &roleMoved{people.Admin, people.Member}
		}
		out.Data = append(out.Data, line)
	}
	return out
}

// previewEntitlement shows which users would gain and lose what under other rules. limit and after
// select the page of users, which are in the order of their ids.
func (s *Server) previewEntitlement(c *call) error {
	org, _, err := c.named(model.OrganizationPrefix)
	if err != nil {
		return err
	}
	p := c.params()
	page := p.page(model.UserPrefix, "asc")
	if page.Before != "" || !page.Ascending {
		p.fail("before", "the users of a preview are read on with after, in ascending order")
	}
	if err := p.err(); err != nil {
		return err
	}
	body, err := decode[previewBody](c)
	if err != nil {
		return err
	}
	proposal, err := body.proposal()
	if err != nil {
		return err
	}
	preview, err := entitle.In(org).Preview(c.ctx(), proposal, page.After, page.Limit)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, previewForm(preview, page))
}
