package entitle

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// AccountGroup is a group of an account: a set of permissions, which the application gives a
// meaning to. Its mappings say which users are in it.
type AccountGroup struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	AccountID      string
	AccountGroupFields
	NameFolded string         // unique in the account
	CreatedAt  model.Time     `gorm:"autoCreateTime:false"`
	UpdatedAt  model.Time     `gorm:"autoUpdateTime:false"`
	Mappings   []GroupMapping `gorm:"-"` // filled by reads
}

// AccountGroupFields are the fields of a group that UpdateAccountGroup changes.
type AccountGroupFields struct {
	Name            string
	Permissions     []string `gorm:"serializer:json"`
	AssignByDefault bool     // every user with a license for the account is in it
}

const (
	maxGroups      = 500  // of an account
	maxMappings    = 1000 // of a group
	maxPermissions = 200
	maxPermission  = 200 // bytes
)

func (g *AccountGroup) validate() error {
	if err := model.ValidName(g.Name); err != nil {
		return err
	}
	if len(g.Permissions) > maxPermissions {
		return model.Invalidf("permissions", "permissions are at most %d", maxPermissions)
	}
	for _, p := range g.Permissions {
		if p == "" || len(p) > maxPermission || !model.Storable(p) {
			return model.Invalidf("permissions", "a permission is text of 1 to %d bytes", maxPermission)
		}
	}
	if g.Permissions == nil {
		g.Permissions = []string{}
	}
	g.NameFolded = model.Fold(strings.TrimSpace(g.Name))
	return nil
}

// AccountGroup returns a group of an account with its mappings.
func (o Org) AccountGroup(ctx context.Context, accountID, id string) (*AccountGroup, error) {
	var g AccountGroup
	db := tenant.Read(ctx, o).Where(tenant.IsBeside("account_id"), accountID)
	if err := tenant.ByID(o, db, &g, "group", id); err != nil {
		return nil, err
	}
	gs := []AccountGroup{g}
	return &gs[0], o.withMappings(ctx, gs)
}

// AccountGroups lists the groups of an account with their mappings.
func (o Org) AccountGroups(
	ctx context.Context, accountID string, p model.Page,
) ([]AccountGroup, model.PageInfo, error) {
	if _, err := o.Account(ctx, accountID); err != nil {
		return nil, model.PageInfo{}, err
	}
	gs, info, err := tenant.Paged(o, tenant.Read(ctx, o).Model(&AccountGroup{}).Where("account_id = ?", accountID), p,
		func(g AccountGroup) string { return g.ID })
	if err != nil {
		return nil, info, err
	}
	return gs, info, o.withMappings(ctx, gs)
}

// CreateAccountGroup adds a group to an account, with its first mappings. It answers Conflict for a
// name that another group of the account has.
func (o Org) CreateAccountGroup(ctx context.Context, g *AccountGroup) error {
	if err := g.validate(); err != nil {
		return err
	}
	mappings := g.Mappings
	return o.Tx(ctx, func(org Org) error {
		if _, err := org.lockAccount(ctx, g.AccountID, tenant.ToChange); err != nil {
			return err
		}
		var n int64
		if err := tenant.DB(ctx, org).Model(&AccountGroup{}).Where("account_id = ?", g.AccountID).
			Count(&n).Error; err != nil {
			return fmt.Errorf("count groups: %w", err)
		}
		if n >= maxGroups {
			return model.Conflictf("account_id", "the account has %d groups, which is the most; delete one first", n)
		}
		g.ID, g.CreatedAt, g.UpdatedAt, g.Mappings = model.NewID(), tenant.Now(org), tenant.Now(org), []GroupMapping{}
		if err := tenant.DB(ctx, org).Create(g).Error; err != nil {
			return nameTaken("group of the account", fmt.Errorf("create group: %w", err))
		}
		tenant.RulesChanged(org)
		for _, m := range mappings {
			if err := org.addMapping(ctx, g, m.DirectoryGroupRef); err != nil {
				return err
			}
		}
		return nil
	})
}

// changeGroup reads a group of an account with its mappings, under a lock of the given strength,
// and calls change with it in the same transaction. It returns the group as change leaves it.
func (o Org) changeGroup(
	ctx context.Context, accountID, id, strength string, change func(org Org, g *AccountGroup) error,
) (*AccountGroup, error) {
	var g AccountGroup
	err := o.change(ctx, func(org Org) error {
		g = AccountGroup{}
		db := tenant.DB(ctx, org).Clauses(clause.Locking{Strength: strength}).Where("account_id = ?", accountID)
		if err := tenant.ByID(org, db, &g, "group", id); err != nil {
			return err
		}
		one := []AccountGroup{g}
		if err := org.withMappings(ctx, one); err != nil {
			return err
		}
		g = one[0]
		return change(org, &g)
	})
	if err != nil {
		return nil, err
	}
	return &g, nil
}

// UpdateAccountGroup lets change alter the fields of a group. It answers Conflict for a name that
// another group of the account has.
func (o Org) UpdateAccountGroup(
	ctx context.Context, accountID, id string, change func(*AccountGroupFields) error,
) (*AccountGroup, error) {
	return o.changeGroup(ctx, accountID, id, tenant.ToChange, func(org Org, g *AccountGroup) error {
		before := *g
		if err := change(&g.AccountGroupFields); err != nil {
			return err
		}
		g.UpdatedAt = tenant.Now(org)
		if err := g.validate(); err != nil {
			return err
		}
		err := tenant.DB(ctx, org).Model(&AccountGroup{}).Where("id = ?", id).
			Select("Name", "NameFolded", "Permissions", "AssignByDefault", "UpdatedAt").UpdateColumns(g).Error
		if err != nil {
			return nameTaken("group of the account", fmt.Errorf("update group: %w", err))
		}
		if g.AssignByDefault != before.AssignByDefault {
			tenant.RulesChanged(org)
		}
		return nil
	})
}

// DeleteAccountGroup removes a group of an account with its mappings and its assignments.
func (o Org) DeleteAccountGroup(ctx context.Context, accountID, id string) error {
	_, err := o.changeGroup(ctx, accountID, id, tenant.ToRemove, func(org Org, _ *AccountGroup) error {
		lost := losses{cause: tenant.CauseGroupDeleted, onlyGroups: true}
		if err := org.revoke(ctx, &lost, "group_id = ?", id); err != nil {
			return err
		}
		if err := tenant.DB(ctx, org).Where("id = ?", id).Delete(&AccountGroup{}).Error; err != nil {
			return fmt.Errorf("delete group: %w", err)
		}
		tenant.RulesChanged(org)
		return nil
	})
	return err
}

// AccountGroupObject is the public form of an AccountGroup.
type AccountGroupObject struct {
	Object          string                    `json:"object"`
	ID              string                    `json:"id"`
	OrganizationID  string                    `json:"organization_id"`
	AccountID       string                    `json:"account_id"`
	Name            string                    `json:"name"`
	Permissions     []string                  `json:"permissions"`
	AssignByDefault bool                      `json:"assign_by_default"`
	Mappings        []DirectoryGroupRefObject `json:"mappings"`
	CreatedAt       model.Time                `json:"created_at"`
	UpdatedAt       model.Time                `json:"updated_at"`
}

// PublicForm returns the object that the API shows.
func (g *AccountGroup) PublicForm() AccountGroupObject {
	out := AccountGroupObject{"group", model.GroupPrefix.ID(g.ID),
		model.OrganizationPrefix.ID(string(g.OrganizationID)), model.AccountPrefix.ID(g.AccountID),
		g.Name, g.Permissions, g.AssignByDefault, []DirectoryGroupRefObject{}, g.CreatedAt, g.UpdatedAt}
	for i := range g.Mappings {
		out.Mappings = append(out.Mappings, g.Mappings[i].DirectoryGroupRef.PublicForm())
	}
	return out
}
