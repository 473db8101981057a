package entitle

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// DirectoryGroupRef names directory groups in a rule. By its id it names one group, which may be
// renamed. By a name it names every group with that name in any case: a login sends names only.
type DirectoryGroupRef struct {
	DirectoryGroupID *string
	Name             string // as it was sent; empty with an id
	NameFolded       string
}

// validate folds the name. It refuses a reference without an id and a name, or with both.
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

// name returns the reference as the rules have it.
func (r *DirectoryGroupRef) name() groupName {
	if r.DirectoryGroupID != nil {
		return groupName{ID: *r.DirectoryGroupID}
	}
	return groupName{Folded: r.NameFolded}
}

// DirectoryGroupRefObject is the public form of a DirectoryGroupRef. One of the two fields is null.
type DirectoryGroupRefObject struct {
	DirectoryGroupID *string `json:"directory_group_id"`
	Name             *string `json:"name"`
}

// PublicForm returns the object that the API shows.
func (r *DirectoryGroupRef) PublicForm() DirectoryGroupRefObject {
	out := DirectoryGroupRefObject{Name: model.OrNull(r.Name)}
	if r.DirectoryGroupID != nil {
		out.DirectoryGroupID = model.OrNull(model.DirectoryGroupPrefix.ID(*r.DirectoryGroupID))
	}
	return out
}

// GroupMapping puts the members of a directory group into a group of an account.
type GroupMapping struct {
	ID                string               `gorm:"primaryKey"`
	OrganizationID    model.OrganizationID `gorm:"<-:create"`
	GroupID           string
	DirectoryGroupRef `gorm:"embedded"`
	CreatedAt         model.Time `gorm:"autoCreateTime:false"`
}

// checkGroup refuses a directory group that the organization does not have. It locks the group, so
// that nobody deletes it before the rule that names it is written.
func (o Org) checkGroup(ctx context.Context, r *DirectoryGroupRef) error {
	if err := r.validate(); err != nil || r.DirectoryGroupID == nil {
		return err
	}
	var g people.DirectoryGroup
	id, locked := *r.DirectoryGroupID, tenant.DB(ctx, o).Clauses(clause.Locking{Strength: "KEY SHARE"})
	err := tenant.ByID(o, locked, &g, "directory group", id)
	return refuseUnknown(err, "directory_group_id", "directory group", model.DirectoryGroupPrefix.ID(id))
}

// knownGroup is checkGroup without a lock, for a rule that is proposed and not written.
func (o Org) knownGroup(ctx context.Context, ref *DirectoryGroupRef) error {
	if err := ref.validate(); err != nil || ref.DirectoryGroupID == nil {
		return err
	}
	id := *ref.DirectoryGroupID
	_, err := people.In(o).DirectoryGroup(ctx, "", id)
	return refuseUnknown(err, "directory_group_id", "directory group", model.DirectoryGroupPrefix.ID(id))
}

// refuseUnknown makes NotFound of something that the caller named the caller's mistake.
func refuseUnknown(err error, field, what, id string) error {
	if model.KindOf(err) == model.NotFound {
		return model.Invalidf(field, "the organization has no %s %s", what, id)
	}
	return err
}

// withMappings fills in the mappings of groups.
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
	if err := tenant.Read(ctx, o).Where(tenant.DialectOf(o).OneOf("group_id"), ids).Order("id").
		Find(&mappings).Error; err != nil {
		return tenant.Translate(o, fmt.Errorf("read mappings: %w", err))
	}
	for _, m := range mappings {
		g := &gs[at[m.GroupID]]
		g.Mappings = append(g.Mappings, m)
	}
	return nil
}

// AddMapping maps a directory group to a group of an account. It answers Invalid for a directory
// group that the organization does not have, and Conflict for one that is mapped already.
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
		return model.Conflictf("mappings",
			"the group has %d mappings, which is the most; delete one first", len(g.Mappings))
	}
	m := GroupMapping{ID: model.NewID(), GroupID: g.ID, DirectoryGroupRef: ref, CreatedAt: tenant.Now(o)}
	if err := tenant.DB(ctx, o).Create(&m).Error; err != nil {
		err = fmt.Errorf("create mapping: %w", err)
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return &model.Error{Kind: model.Conflict, Field: "mappings", Err: err,
				Message: "this directory group is mapped to the group already"}
		}
		return err
	}
	g.Mappings = append(g.Mappings, m)
	tenant.RulesChanged(o)
	return nil
}

// RemoveMapping removes a mapping. It answers NotFound for a directory group that is not mapped.
func (o Org) RemoveMapping(
	ctx context.Context, accountID, groupID string, ref DirectoryGroupRef,
) (*AccountGroup, error) {
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
			if err := tenant.DB(ctx, org).Where("id = ?", m.ID).Delete(&GroupMapping{}).Error; err != nil {
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
