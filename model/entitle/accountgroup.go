package entitle

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// AccountGroup is a group of an account: a set of permissions that the
// application gives a meaning to. Who is in it, the mappings say.
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

// AccountGroupFields are those of a group that UpdateAccountGroup changes.
type AccountGroupFields struct {
	Name            string
	Permissions     []string `gorm:"serializer:json"`
	AssignByDefault bool     // everybody with a license for the account is in it
}

// DirectoryGroupRef names directory groups in a rule: one by its id, so that it
// may be renamed, or all that have a name, compared without case, which is all
// that a login says of a group.
type DirectoryGroupRef struct {
	DirectoryGroupID *string
	Name             string // as it was sent; empty with an id
	NameFolded       string
}

// GroupMapping says that the members of a directory group are in a group of an account.
type GroupMapping struct {
	ID                string               `gorm:"primaryKey"`
	OrganizationID    model.OrganizationID `gorm:"<-:create"`
	GroupID           string
	DirectoryGroupRef `gorm:"embedded"`
	CreatedAt         model.Time `gorm:"autoCreateTime:false"`
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

// validate folds the name, and refuses what names nothing.
func (r *DirectoryGroupRef) validate() error {
	switch {
	case (r.DirectoryGroupID == nil) == (r.Name == ""):
		return model.Invalidf("directory_group_id", "send directory_group_id or name, one of the two")
	case !tenant.Keepable(r.Name):
		return model.Invalidf("name", "name is text of at most %d bytes", tenant.MaxIndexed)
	}
	r.NameFolded = model.Fold(r.Name)
	return nil
}

// name is how the rules know it.
func (r *DirectoryGroupRef) name() GroupName {
	if r.DirectoryGroupID != nil {
		return GroupName{ID: *r.DirectoryGroupID}
	}
	return GroupName{Folded: r.NameFolded}
}

// checkGroup refuses a directory group that the organization does not have, and
// keeps one that it has until the rule about it is written.
func (o Org) checkGroup(ctx context.Context, r *DirectoryGroupRef) error {
	if err := r.validate(); err != nil || r.DirectoryGroupID == nil {
		return err
	}
	var g people.DirectoryGroup
	err := tenant.ByID(o, tenant.DB(o).WithContext(ctx).Clauses(clause.Locking{Strength: "KEY SHARE"}), &g, "directory group", *r.DirectoryGroupID)
	if model.KindOf(err) == model.NotFound {
		return model.Invalidf("directory_group_id", "the organization has no directory group %s", model.DirectoryGroupPrefix.ID(*r.DirectoryGroupID))
	}
	return err
}

// AccountGroup returns a group of an account with its mappings.
func (o Org) AccountGroup(ctx context.Context, accountID, id string) (*AccountGroup, error) {
	var g AccountGroup
	if err := tenant.ByID(o, tenant.Read(o).WithContext(ctx).Where("account_id = ?", accountID), &g, "group", id); err != nil {
		return nil, err
	}
	gs := []AccountGroup{g}
	return &gs[0], o.withMappings(ctx, gs)
}

// AccountGroups lists the groups of an account with their mappings.
func (o Org) AccountGroups(ctx context.Context, accountID string, p model.Page) ([]AccountGroup, model.PageInfo, error) {
	if _, err := o.Account(ctx, accountID); err != nil {
		return nil, model.PageInfo{}, err
	}
	gs, info, err := tenant.Paged(o, tenant.Read(o).WithContext(ctx).Model(&AccountGroup{}).Where("account_id = ?", accountID), p,
		func(g AccountGroup) string { return g.ID })
	if err != nil {
		return nil, info, err
	}
	return gs, info, o.withMappings(ctx, gs)
}

func (o Org) withMappings(ctx context.Context, gs []AccountGroup) error {
	at := map[string]int{}
	for i := range gs {
		at[gs[i].ID], gs[i].Mappings = i, []GroupMapping{}
	}
	ids, err := tenant.Encode(tenant.SortedKeys(at))
	if err != nil || len(gs) == 0 {
		return err
	}
	var mappings []GroupMapping
	if err := tenant.Read(o).WithContext(ctx).Where(tenant.DialectOf(o).OneOf("group_id"), ids).Order("id").Find(&mappings).Error; err != nil {
		return tenant.Translate(o, fmt.Errorf("read mappings: %w", err))
	}
	for _, m := range mappings {
		g := &gs[at[m.GroupID]]
		g.Mappings = append(g.Mappings, m)
	}
	return nil
}

// CreateAccountGroup adds a group to an account with its first mappings. It
// answers Conflict for a name that another group of the account has.
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
		if err := tenant.DB(org).WithContext(ctx).Model(&AccountGroup{}).Where("account_id = ?", g.AccountID).Count(&n).Error; err != nil {
			return fmt.Errorf("count groups: %w", err)
		}
		if n >= maxGroups {
			return model.Conflictf("account_id", "the account has %d groups, which is the most; delete one first", n)
		}
		g.ID, g.CreatedAt, g.UpdatedAt, g.Mappings = model.NewID(), tenant.Now(org), tenant.Now(org), []GroupMapping{}
		if err := tenant.DB(org).WithContext(ctx).Create(g).Error; err != nil {
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

// changeGroup reads a group of an account under its lock with its mappings, lets
// change work on it, and notes that the rules are other ones.
func (o Org) changeGroup(ctx context.Context, accountID, id, strength string, change func(org Org, g *AccountGroup) error) (*AccountGroup, error) {
	var g AccountGroup
	err := o.change(ctx, func(org Org) error {
		g = AccountGroup{}
		db := tenant.DB(org).WithContext(ctx).Clauses(clause.Locking{Strength: strength}).Where("account_id = ?", accountID)
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

// UpdateAccountGroup lets change alter the name, the permissions and
// AssignByDefault of a group.
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
		err := tenant.DB(org).WithContext(ctx).Model(&AccountGroup{}).Where("id = ?", id).
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

// DeleteAccountGroup removes a group of an account with its mappings; nobody is in it any more.
func (o Org) DeleteAccountGroup(ctx context.Context, accountID, id string) error {
	_, err := o.changeGroup(ctx, accountID, id, tenant.ToRemove, func(org Org, _ *AccountGroup) error {
		lost := Losses{Cause: tenant.CauseGroupDeleted, onlyGroups: true}
		if err := org.Lose(ctx, &lost, "group_id = ?", id); err != nil {
			return err
		}
		if err := tenant.DB(org).WithContext(ctx).Where("id = ?", id).Delete(&AccountGroup{}).Error; err != nil {
			return fmt.Errorf("delete group: %w", err)
		}
		tenant.RulesChanged(org)
		return nil
	})
	return err
}

// AddMapping maps a directory group to a group of an account. It answers Invalid
// for a directory group that is not there and Conflict for one that is mapped already.
func (o Org) AddMapping(ctx context.Context, accountID, groupID string, ref DirectoryGroupRef) (*AccountGroup, error) {
	return o.changeGroup(ctx, accountID, groupID, tenant.ToChange, func(org Org, g *AccountGroup) error {
		return org.addMapping(ctx, g, ref)
	})
}

func (o Org) addMapping(ctx context.Context, g *AccountGroup, ref DirectoryGroupRef) error {
	if err := o.checkGroup(ctx, &ref); err != nil {
		return err
	}
	if len(g.Mappings) >= maxMappings {
		return model.Conflictf("mappings", "the group has %d mappings, which is the most; delete one first", len(g.Mappings))
	}
	m := GroupMapping{ID: model.NewID(), GroupID: g.ID, DirectoryGroupRef: ref, CreatedAt: tenant.Now(o)}
	if err := tenant.DB(o).WithContext(ctx).Create(&m).Error; err != nil {
		err = fmt.Errorf("create mapping: %w", err)
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return &model.Error{Kind: model.Conflict, Field: "mappings", Err: err, Message: "this directory group is mapped to the group already"}
		}
		return err
	}
	g.Mappings = append(g.Mappings, m)
	tenant.RulesChanged(o)
	return nil
}

// RemoveMapping ends a mapping. It answers NotFound where there is none.
func (o Org) RemoveMapping(ctx context.Context, accountID, groupID string, ref DirectoryGroupRef) (*AccountGroup, error) {
	return o.changeGroup(ctx, accountID, groupID, tenant.ToChange, func(org Org, g *AccountGroup) error {
		if err := ref.validate(); err != nil {
			return err
		}
		kept := []GroupMapping{}
		for _, m := range g.Mappings {
			if m.name() != ref.name() {
				kept = append(kept, m)
				continue
			}
			if err := tenant.DB(org).WithContext(ctx).Where("id = ?", m.ID).Delete(&GroupMapping{}).Error; err != nil {
				return fmt.Errorf("delete mapping: %w", err)
			}
			tenant.RulesChanged(org)
		}
		if len(kept) == len(g.Mappings) {
			return model.NotFoundf("this directory group is not mapped to the group")
		}
		g.Mappings = kept
		return nil
	})
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

// DirectoryGroupRefObject is the public form of a DirectoryGroupRef: one of the two is null.
type DirectoryGroupRefObject struct {
	DirectoryGroupID *string `json:"directory_group_id"`
	Name             *string `json:"name"`
}

// PublicForm returns the object that the API shows.
func (r *DirectoryGroupRef) PublicForm() DirectoryGroupRefObject {
	out := DirectoryGroupRefObject{Name: tenant.OrNull(r.Name)}
	if r.DirectoryGroupID != nil {
		out.DirectoryGroupID = tenant.OrNull(model.DirectoryGroupPrefix.ID(*r.DirectoryGroupID))
	}
	return out
}

// PublicForm returns the object that the API shows.
func (g *AccountGroup) PublicForm() AccountGroupObject {
	out := AccountGroupObject{"group", model.GroupPrefix.ID(g.ID), model.OrganizationPrefix.ID(string(g.OrganizationID)), model.AccountPrefix.ID(g.AccountID),
		g.Name, g.Permissions, g.AssignByDefault, []DirectoryGroupRefObject{}, g.CreatedAt, g.UpdatedAt}
	for i := range g.Mappings {
		out.Mappings = append(out.Mappings, g.Mappings[i].DirectoryGroupRef.PublicForm())
	}
	return out
}
