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

// Proposal proposes other rules. What it does not name stays the same.
type Proposal struct {
	Connections map[string][]string // the accounts that a connection would be configured for
	Groups      map[string]ProposedGroup
	Role        *ProposedRole
}

// ProposedGroup proposes other fields of a group of an account. A nil field stays the same.
type ProposedGroup struct {
	AssignByDefault *bool
	Mappings        *[]DirectoryGroupRef
}

// ProposedRole proposes another role mapping, or none.
type ProposedRole struct{ Mapping *DirectoryGroupRef }

// Preview says which users would gain and lose what by a proposal.
type Preview struct {
	Users    int64 // how many would gain or lose anything
	Accounts []AccountPreview
	Groups   []GroupPreview
	Admins   GainLoss
	Changes  []UserPreview // a page of them, in the order of their ids
	Next     string        // the last user of the page, where there are more
}

// GainLoss counts the users who would gain something and those who would lose it.
type GainLoss struct{ Gained, Lost int64 }

// AccountPreview says what would change for an account.
type AccountPreview struct {
	ID string
	GainLoss
	Seats     *int64
	SeatsUsed int64 // now
	Waiting   int64 // how many users would find no seat
}

// GroupPreview says what would change for a group of an account.
type GroupPreview struct {
	ID string
	GainLoss
}

// UserPreview says what one user would gain and lose.
type UserPreview struct {
	UserID, Email                string
	LicensesGained, LicensesLost []string // account ids
	GroupsGained, GroupsLost     []string
	RoleGained, RoleLost         bool // that of administrator
}

// Preview returns which users would gain and lose what by a proposal. It changes nothing, and
// compares all users by one statement. Changes has at most limit users, those after the user with
// the id after.
func (o Org) Preview(ctx context.Context, p Proposal, after string, limit int) (*Preview, error) {
	r, err := o.readRules(ctx)
	if err != nil {
		return nil, err
	}
	if err := o.propose(ctx, r, p); err != nil {
		return nil, err
	}
	b := previewBuilder{accounts: map[string]*GainLoss{}, groups: map[string]*GainLoss{}, after: after, limit: limit}
	if err := o.eachDifference(ctx, r, b.add); err != nil {
		return nil, err
	}
	out := &Preview{Users: b.users, Admins: b.admins, Changes: b.page, Next: b.next}
	for _, id := range tenant.SortedKeys(b.groups) {
		out.Groups = append(out.Groups, GroupPreview{id, *b.groups[id]})
	}
	for _, id := range tenant.SortedKeys(b.accounts) {
		a, err := o.Account(ctx, id)
		if model.KindOf(err) == model.NotFound {
			continue // it was deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		change := *b.accounts[id]
		line := AccountPreview{ID: id, GainLoss: change, Seats: a.Seats, SeatsUsed: a.SeatsUsed}
		if a.Seats != nil {
			line.Waiting = max(0, a.SeatsUsed+change.Gained-change.Lost-*a.Seats)
		}
		out.Accounts = append(out.Accounts, line)
	}
	return out, o.addEmails(ctx, out.Changes)
}

// addEmails fills in the e-mail addresses.
func (o Org) addEmails(ctx context.Context, changes []UserPreview) error {
	ids, err := tenant.Encode(idsOf(changes, func(u *UserPreview) string { return u.UserID }))
	if err != nil || len(changes) == 0 {
		return err
	}
	var users []people.User
	if err := tenant.Read(ctx, o).Select("id", "email").Where(tenant.DialectOf(o).OneOf("users.id"), ids).
		Find(&users).Error; err != nil {
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

// propose alters the rules as a proposal says. It answers Invalid for a name of something that the
// organization does not have.
func (o Org) propose(ctx context.Context, r *ruleSet, p Proposal) error {
	for _, id := range tenant.SortedKeys(p.Connections) {
		if _, err := connection.In(o).Connection(ctx, id); err != nil {
			return refuseUnknown(err, "connections", "connection", model.ConnectionPrefix.ID(id))
		}
		for _, account := range p.Connections[id] {
			if _, err := o.Account(ctx, account); err != nil {
				return refuseUnknown(err, "connections", "account", model.AccountPrefix.ID(account))
			}
		}
		r.Accounts[id] = slices.Compact(slices.Sorted(slices.Values(p.Connections[id])))
	}
	for _, id := range tenant.SortedKeys(p.Groups) {
		i := slices.IndexFunc(r.Groups, func(g ruleGroup) bool { return g.ID == id })
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

// previewBuilder adds differences up. They come in the order of the users' ids.
type previewBuilder struct {
	users            int64
	accounts, groups map[string]*GainLoss
	admins           GainLoss
	after            string
	limit            int
	page             []UserPreview
	next, last       string
}

// add counts one difference and writes it to its user, where that is on the page.
func (g *previewBuilder) add(d difference) {
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
	var u UserPreview // on no page
	into := &u
	if n := len(g.page); n > 0 && g.page[n-1].UserID == d.user {
		into = &g.page[n-1]
	}
	switch d.kind {
	case licenseDifference:
		count(g.accounts, d, &into.LicensesGained, &into.LicensesLost)
	case groupDifference:
		count(g.groups, d, &into.GroupsGained, &into.GroupsLost)
	case roleDifference:
		g.admins.add(d.gain)
		into.RoleGained, into.RoleLost = d.gain, !d.gain
	}
}

// count counts one difference of an account or a group, and adds it to the list of its user.
func count(of map[string]*GainLoss, d difference, gained, lost *[]string) {
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

// add counts one user.
func (n *GainLoss) add(gain bool) {
	if gain {
		n.Gained++
	} else {
		n.Lost++
	}
}
