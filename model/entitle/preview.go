package entitle

import (
	"context"
	"fmt"
	"slices"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// Proposal are rules that somebody thinks of. What it does not name stays as it is.
type Proposal struct {
	Connections map[string][]string // the accounts that a connection would be configured for
	Groups      map[string]ProposedGroup
	Role        *ProposedRole
}

// ProposedGroup is what would become of a group of an account; nil is as it is.
type ProposedGroup struct {
	AssignByDefault *bool
	Mappings        *[]DirectoryGroupRef
}

// ProposedRole is another role mapping, or none.
type ProposedRole struct{ Mapping *DirectoryGroupRef }

// Preview is who would gain and lose what by a proposal, against what they have now.
type Preview struct {
	Users    int64 // who would gain or lose anything
	Accounts []AccountPreview
	Groups   []GroupPreview
	Admins   GainLoss
	Changes  []UserPreview // a page of them, in the order of their ids
	Next     string        // the last of the page where there are more
}

// GainLoss counts users.
type GainLoss struct{ Gained, Lost int64 }

// AccountPreview is what would become of an account.
type AccountPreview struct {
	ID string
	GainLoss
	Seats     *int64
	SeatsUsed int64 // now
	Waiting   int64 // who would find no seat
}

// GroupPreview is what would become of a group of an account.
type GroupPreview struct {
	ID string
	GainLoss
}

// UserPreview is what one user would gain and lose.
type UserPreview struct {
	UserID, Email                string
	LicensesGained, LicensesLost []string // account ids
	GroupsGained, GroupsLost     []string
	RoleGained, RoleLost         bool // that of administrator
}

// Preview tells who would gain and lose what by a proposal. It changes nothing,
// and reads everybody by one statement. changes are the users of one page.
func (o Org) Preview(ctx context.Context, p Proposal, after string, limit int) (*Preview, error) {
	r, err := o.readRules(ctx)
	if err != nil {
		return nil, err
	}
	if err := o.propose(ctx, r, p); err != nil {
		return nil, err
	}
	gather := gathering{accounts: map[string]*GainLoss{}, groups: map[string]*GainLoss{}, after: after, limit: limit}
	if err := o.differences(ctx, r, gather.add); err != nil {
		return nil, err
	}
	out := &Preview{Users: gather.users, Admins: gather.admins, Changes: gather.page, Next: gather.next}
	for _, id := range tenant.SortedKeys(gather.groups) {
		out.Groups = append(out.Groups, GroupPreview{id, *gather.groups[id]})
	}
	for _, id := range tenant.SortedKeys(gather.accounts) {
		a, err := o.Account(ctx, id)
		if model.KindOf(err) == model.NotFound {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		change := *gather.accounts[id]
		line := AccountPreview{ID: id, GainLoss: change, Seats: a.Seats, SeatsUsed: a.SeatsUsed}
		if a.Seats != nil {
			line.Waiting = max(0, a.SeatsUsed+change.Gained-change.Lost-*a.Seats)
		}
		out.Accounts = append(out.Accounts, line)
	}
	return out, o.nameChanges(ctx, out.Changes)
}

// nameChanges fills in the e-mail addresses.
func (o Org) nameChanges(ctx context.Context, changes []UserPreview) error {
	ids, err := tenant.Encode(idsOf(changes, func(u *UserPreview) string { return u.UserID }))
	if err != nil || len(changes) == 0 {
		return err
	}
	var users []people.User
	if err := tenant.Read(o).WithContext(ctx).Select("id", "email").Where(tenant.DialectOf(o).OneOf("users.id"), ids).Find(&users).Error; err != nil {
		return tenant.Translate(o, fmt.Errorf("read users: %w", err))
	}
	emails := map[string]string{}
	for _, u := range users {
		emails[u.ID] = u.Email
	}
	for i := range changes {
		changes[i].Email = emails[changes[i].UserID]
	}
	return nil
}

// propose alters the rules as a proposal says. It answers Invalid for what the
// organization does not have.
func (o Org) propose(ctx context.Context, r *Rules, p Proposal) error {
	for _, id := range tenant.SortedKeys(p.Connections) {
		if _, err := connection.In(o).Connection(ctx, id); err != nil {
			return unknown(err, "connections", "connection", model.ConnectionPrefix.ID(id))
		}
		for _, account := range p.Connections[id] {
			if _, err := o.Account(ctx, account); err != nil {
				return unknown(err, "connections", "account", model.AccountPrefix.ID(account))
			}
		}
		r.Accounts[id] = slices.Compact(slices.Sorted(slices.Values(p.Connections[id])))
	}
	for _, id := range tenant.SortedKeys(p.Groups) {
		i := slices.IndexFunc(r.Groups, func(g RuleGroup) bool { return g.ID == id })
		if i < 0 {
			return model.Invalidf("groups", "the organization has no group %s", model.GroupPrefix.ID(id))
		}
		g := p.Groups[id]
		if g.AssignByDefault != nil {
			r.Groups[i].ByDefault = *g.AssignByDefault
		}
		if g.Mappings == nil {
			continue
		}
		r.Groups[i].Mapped = nil
		for _, ref := range *g.Mappings {
			if err := o.knownGroup(ctx, &ref); err != nil {
				return err
			}
			r.Groups[i].Mapped = append(r.Groups[i].Mapped, ref.name())
		}
	}
	if p.Role == nil {
		return nil
	}
	if r.Admin = nil; p.Role.Mapping != nil {
		ref := *p.Role.Mapping
		if err := o.knownGroup(ctx, &ref); err != nil {
			return err
		}
		name := ref.name()
		r.Admin = &name
	}
	return nil
}

func unknown(err error, field, what, id string) error {
	if model.KindOf(err) == model.NotFound {
		return model.Invalidf(field, "the organization has no %s %s", what, id)
	}
	return err
}

// knownGroup is checkGroup for a rule that is not going to be written.
func (o Org) knownGroup(ctx context.Context, ref *DirectoryGroupRef) error {
	if err := ref.validate(); err != nil || ref.DirectoryGroupID == nil {
		return err
	}
	_, err := people.In(o).DirectoryGroup(ctx, "", *ref.DirectoryGroupID)
	return unknown(err, "directory_group_id", "directory group", model.DirectoryGroupPrefix.ID(*ref.DirectoryGroupID))
}

// gathering sums differences up as they come, users in the order of their ids.
type gathering struct {
	users            int64
	accounts, groups map[string]*GainLoss
	admins           GainLoss
	after            string
	limit            int
	page             []UserPreview
	next, last       string
}

func (g *gathering) add(d difference) {
	if d.stays {
		return
	}
	if d.user != g.last {
		g.last = d.user
		g.users++
		switch {
		case d.user <= g.after:
		case len(g.page) < g.limit:
			g.page = append(g.page, UserPreview{UserID: d.user})
		default:
			g.next = g.page[len(g.page)-1].UserID
		}
	}
	var u UserPreview // of no page
	into := &u
	if n := len(g.page); n > 0 && g.page[n-1].UserID == d.user {
		into = &g.page[n-1]
	}
	switch d.kind {
	case licenseDifference:
		note(g.accounts, d, &into.LicensesGained, &into.LicensesLost)
	case groupDifference:
		note(g.groups, d, &into.GroupsGained, &into.GroupsLost)
	case roleDifference:
		g.admins.add(d.gain)
		into.RoleGained, into.RoleLost = d.gain, !d.gain
	}
}

func note(of map[string]*GainLoss, d difference, gained, lost *[]string) {
	n := of[d.thing]
	if n == nil {
		n = &GainLoss{}
		of[d.thing] = n
	}
	n.add(d.gain)
	if d.gain {
		*gained = append(*gained, d.thing)
	} else {
		*lost = append(*lost, d.thing)
	}
}

func (n *GainLoss) add(gain bool) {
	if gain {
		n.Gained++
	} else {
		n.Lost++
	}
}
