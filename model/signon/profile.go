package signon

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/entitle"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// ProfileObject is the user as an application gets it after a sign-in.
type ProfileObject struct {
	Object           string              `json:"object"`
	ID               string              `json:"id"`
	OrganizationID   string              `json:"organization_id"`
	Method           people.SignInMethod `json:"method"`        // Rollcall's addition
	ConnectionID     string              `json:"connection_id"` // after a password, see knownBy
	ConnectionType   string              `json:"connection_type"`
	IdpID            string              `json:"idp_id"`
	Email            string              `json:"email"`
	FirstName        *string             `json:"first_name"`
	LastName         *string             `json:"last_name"`
	Name             *string             `json:"name"`
	Role             people.RoleObject   `json:"role"`
	Roles            []people.RoleObject `json:"roles"`
	Groups           []string            `json:"groups"`
	CustomAttributes map[string]any      `json:"custom_attributes"`
	RawAttributes    json.RawMessage     `json:"raw_attributes"`
	UserID           string              `json:"user_id"` // Rollcall's addition: the member of the organization

	// Accounts are Rollcall's addition: the accounts in which the user has a seat.
	Accounts []ProfileAccount `json:"accounts"`
}

// Profile returns the user of a session as applications see it.
func (o Org) Profile(ctx context.Context, in *SignedIn) (*ProfileObject, error) {
	d, err := in.User.Parse()
	if err != nil {
		return nil, err
	}
	known, err := o.knownBy(ctx, in)
	if err != nil {
		return nil, err
	}
	p := &ProfileObject{
		Object: "profile", ID: model.ProfilePrefix.ID(in.Identity.ID),
		OrganizationID: model.OrganizationPrefix.ID(string(o.ID)),
		Method:         in.Session.Method(),
		ConnectionID:   model.ConnectionPrefix.ID(known.ID), ConnectionType: known.Type,
		IdpID: in.Identity.Subject, UserID: model.UserPrefix.ID(in.User.ID), Email: in.User.Email,
		FirstName: model.OrNull(d.Name.GivenName), LastName: model.OrNull(d.Name.FamilyName),
		Name: model.OrNull(d.FormattedName()),
		Role: people.RoleObject{Slug: in.User.Role}, Roles: []people.RoleObject{{Slug: in.User.Role}},
		Groups: []string{}, CustomAttributes: map[string]any{},
		RawAttributes: json.RawMessage(in.Identity.RawAttributes),
	}
	// The groups of a user of a directory are those of the directory
	// (docs/design/identity.md, "Groups").
	db := tenant.Read(ctx, o).Model(&connection.AssertedGroup{}).
		Where("user_id = ? AND "+tenant.IsBeside("connection_id"), in.User.ID, in.Identity.ConnectionID).
		Order("name_folded")
	column := "name"
	if in.User.DirectoryID != nil {
		mine := tenant.Read(ctx, o).Model(&people.GroupMember{}).Select("group_id").Where("user_id = ?", in.User.ID)
		db = tenant.Read(ctx, o).Model(&people.DirectoryGroup{}).
			Where(tenant.DialectOf(o).In("id", "?"), mine).Order("display_name_folded")
		column = "display_name"
	}
	if err := db.Pluck(column, &p.Groups).Error; err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read groups: %w", err))
	}
	p.Accounts, err = o.ProfileAccounts(ctx, in.User.ID)
	return p, err
}

// pendingType is the reference's connection_type of an organization without a connection.
const pendingType = "Pending"

// knownBy returns the connection that a profile names: that of the session. A session that began
// with a password has none, but the reference's members are never null, and its clients raise
// an error on null. Then it is the connection by whose identity applications know the user, else
// the organization's default, else an active one, else the oldest. An organization without
// connections has the type Pending, and an id of its own under which there is no connection.
func (o Org) knownBy(ctx context.Context, in *SignedIn) (connection.Connection, error) {
	if in.Session.ConnectionID != "" {
		return connection.Connection{ID: in.Session.ConnectionID, Type: in.ConnectionType}, nil
	}
	var all []connection.Connection
	if err := tenant.Read(ctx, o).Select("id", "type", "state").Order("id").Find(&all).Error; err != nil {
		return connection.Connection{}, tenant.Translate(o, fmt.Errorf("read connections: %w", err))
	}
	if len(all) == 0 {
		return connection.Connection{ID: string(o.ID), Type: pendingType}, nil
	}
	isOfUser := func(c connection.Connection) bool { return c.ID == in.Identity.ConnectionID }
	if i := slices.IndexFunc(all, isOfUser); i >= 0 {
		return all[i], nil
	}
	g, err := organization.In(o).Organization(ctx)
	if err != nil {
		return connection.Connection{}, err
	}
	isDefault := func(c connection.Connection) bool { return c.ID == string(g.Settings.DefaultConnection) }
	isActive := func(c connection.Connection) bool { return c.State == connection.ConnectionActive }
	for _, fits := range []func(connection.Connection) bool{isDefault, isActive} {
		if i := slices.IndexFunc(all, fits); i >= 0 {
			return all[i], nil
		}
	}
	return all[0], nil
}

// ProfileAccount is an account in which the user has a seat, with the user's groups in it.
type ProfileAccount struct {
	ID     string         `json:"id"`
	Name   string         `json:"name"`
	Groups []ProfileGroup `json:"groups"`
}

// ProfileGroup is a group of a ProfileAccount.
type ProfileGroup struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"`
}

// ProfileAccounts returns the accounts in which a user has a seat, with the user's groups. A user
// who waits for a seat is not in the groups of that account yet. For an organization without
// accounts no statement runs.
func (o Org) ProfileAccounts(ctx context.Context, userID string) ([]ProfileAccount, error) {
	out := []ProfileAccount{}
	if !tenant.HasRules(o) {
		return out, nil
	}
	granted := tenant.Read(ctx, o).Model(&entitle.License{}).Select("account_id").
		Where("user_id = ? AND state = ?", userID, entitle.LicenseStateGranted)
	in := tenant.Read(ctx, o).Model(&entitle.GroupAssignment{}).Select("group_id").Where("user_id = ?", userID)
	var accounts []entitle.Account
	var groups []entitle.AccountGroup
	err := tenant.Read(ctx, o).Where(tenant.DialectOf(o).In("id", "?"), granted).Order("id").Find(&accounts).Error
	if err == nil && len(accounts) > 0 {
		err = tenant.Read(ctx, o).Where(tenant.DialectOf(o).In("id", "?"), in).Order("id").Find(&groups).Error
	}
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read accounts: %w", err))
	}
	for _, a := range accounts {
		p := ProfileAccount{model.AccountPrefix.ID(a.ID), a.Name, []ProfileGroup{}}
		for _, g := range groups {
			if g.AccountID == a.ID {
				p.Groups = append(p.Groups, ProfileGroup{model.GroupPrefix.ID(g.ID), g.Name, g.Permissions})
			}
		}
		out = append(out, p)
	}
	return out, nil
}
