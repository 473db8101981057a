package entitle

import (
	"context"
	"fmt"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// RoleMapping names the directory group whose members are administrators of the organization. It
// gives the role and takes it back. It leaves the role alone that a person gave.
type RoleMapping struct {
	OrganizationID    model.OrganizationID `gorm:"primaryKey;<-:create"`
	DirectoryGroupRef `gorm:"embedded"`
	CreatedAt         model.Time `gorm:"autoCreateTime:false"`
}

// RoleMapping returns the organization's role mapping. It answers NotFound where there is none, as
// in a new organization.
func (o Org) RoleMapping(ctx context.Context) (*RoleMapping, error) {
	var ms []RoleMapping
	if err := tenant.Read(ctx, o).Limit(1).Find(&ms).Error; err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read role mapping: %w", err))
	}
	if len(ms) == 0 {
		return nil, model.NotFoundf("no directory group is mapped to a role here")
	}
	return &ms[0], nil
}

// SetRoleMapping maps a directory group to the role of administrator and replaces the mapping that
// there was. It answers Conflict where the organization would lose its last administrator.
func (o Org) SetRoleMapping(ctx context.Context, ref DirectoryGroupRef) (m *RoleMapping, err error) {
	err = o.Tx(ctx, func(org Org) error {
		if err := org.checkGroup(ctx, &ref); err != nil {
			return err
		}
		m = &RoleMapping{DirectoryGroupRef: ref, CreatedAt: tenant.Now(org)}
		replaced := clause.AssignmentColumns([]string{"directory_group_id", "name", "name_folded", "created_at"})
		err := tenant.DB(ctx, org).Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "organization_id"}}, DoUpdates: replaced,
		}).Create(m).Error
		if err != nil {
			return fmt.Errorf("map role: %w", err)
		}
		tenant.RulesChanged(org)
		return org.refuseLosingAdmins(ctx)
	})
	return m, err
}

// DeleteRoleMapping removes the role mapping. It answers Conflict where the organization would lose
// its last administrator.
func (o Org) DeleteRoleMapping(ctx context.Context) error {
	return o.Tx(ctx, func(org Org) error {
		if _, err := org.RoleMapping(ctx); err != nil {
			return err
		}
		if err := tenant.DB(ctx, org).Where("organization_id = ?", o.ID).Delete(&RoleMapping{}).Error; err != nil {
			return fmt.Errorf("delete role mapping: %w", err)
		}
		tenant.RulesChanged(org)
		return org.refuseLosingAdmins(ctx)
	})
}

// refuseLosingAdmins refuses new rules that would take the role from all of the organization's
// administrators.
func (o Org) refuseLosingAdmins(ctx context.Context) error {
	if _, err := organization.Inside(tenant.Inside(o)).LockOrganization(ctx, tenant.ToChange); err != nil {
		return err
	}
	var mapped int64
	admins := func(byMapping bool) (n int64, err error) {
		err = tenant.DB(ctx, o).Model(&people.User{}).
			Where("role = ? AND active = ? AND role_mapped = ?", people.Admin, true, byMapping).Count(&n).Error
		return n, err
	}
	own, err := admins(false)
	if err == nil && own == 0 {
		mapped, err = admins(true)
	}
	if err != nil {
		return fmt.Errorf("count administrators: %w", err)
	}
	if own > 0 || mapped == 0 {
		return nil
	}
	r, err := o.readRules(ctx)
	if err != nil {
		return err
	}
	gained, lost := int64(0), int64(0)
	err = o.eachDifference(ctx, r, func(d difference) {
		switch {
		case d.kind == roleDifference && d.gain:
			gained++
		case d.kind == roleDifference:
			lost++
		}
	})
	if err == nil && gained == 0 && lost == mapped {
		err = model.Conflictf("role_mapping", "this would take the role from the organization's last administrator; "+
			"make someone an administrator by hand first")
	}
	return err
}

// setMappedRole gives a user the role that the mapping says, unless a person made the user an
// administrator. A directory or a login may take the role from the last administrator: the event
// says so.
func (o Org) setMappedRole(ctx context.Context, id string, role people.Role, cause tenant.Cause) error {
	_, err := people.Inside(tenant.Inside(o)).ChangeUser(ctx, id, func(org people.Org, u *people.User) error {
		if u.Role == role || u.Role == people.Admin && !u.RoleMapped {
			return nil
		}
		return people.Inside(tenant.Inside(org)).ChangeRole(ctx, u, role, people.ByMapping, cause)
	})
	return err
}

// RoleMappingObject is the public form of a RoleMapping.
type RoleMappingObject struct {
	Object         string      `json:"object"`
	OrganizationID string      `json:"organization_id"`
	Role           people.Role `json:"role"`
	DirectoryGroupRefObject
	CreatedAt model.Time `json:"created_at"`
}

// PublicForm returns the object that the API shows.
func (m *RoleMapping) PublicForm() RoleMappingObject {
	return RoleMappingObject{"role_mapping", model.OrganizationPrefix.ID(string(m.OrganizationID)), people.Admin,
		m.DirectoryGroupRef.PublicForm(), m.CreatedAt}
}
