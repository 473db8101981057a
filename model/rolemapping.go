package model

import (
	"context"
	"fmt"

	"gorm.io/gorm/clause"
)

// RoleMapping is the directory group whose members are administrators of the
// organization. It gives the role and takes it back; who is an administrator by
// a person's word it leaves alone.
type RoleMapping struct {
	OrganizationID    OrganizationID `gorm:"primaryKey;<-:create"`
	DirectoryGroupRef `gorm:"embedded"`
	CreatedAt         Time `gorm:"autoCreateTime:false"`
}

// RoleMapping returns the organization's role mapping. It answers NotFound where
// there is none, which is how an organization begins.
func (o *Org) RoleMapping(ctx context.Context) (*RoleMapping, error) {
	var ms []RoleMapping
	if err := o.read.WithContext(ctx).Limit(1).Find(&ms).Error; err != nil {
		return nil, o.store.translate(fmt.Errorf("read role mapping: %w", err))
	}
	if len(ms) == 0 {
		return nil, NotFoundf("no directory group is mapped to a role here")
	}
	return &ms[0], nil
}

// SetRoleMapping maps a directory group to the role of administrator, in place of
// the one that was. It answers Conflict where nobody would be an administrator any more.
func (o *Org) SetRoleMapping(ctx context.Context, ref DirectoryGroupRef) (m *RoleMapping, err error) {
	err = o.Tx(ctx, func(org *Org) error {
		if err := org.checkGroup(ctx, &ref); err != nil {
			return err
		}
		m = &RoleMapping{DirectoryGroupRef: ref, CreatedAt: org.now()}
		err := org.db.WithContext(ctx).Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "organization_id"}},
			DoUpdates: clause.AssignmentColumns([]string{"directory_group_id", "name", "name_folded", "created_at"})}).Create(m).Error
		if err != nil {
			return fmt.Errorf("map role: %w", err)
		}
		org.rulesChanged()
		return org.keepsAdmin(ctx)
	})
	return m, err
}

// DeleteRoleMapping ends the role mapping. It answers Conflict where nobody would
// be an administrator any more.
func (o *Org) DeleteRoleMapping(ctx context.Context) error {
	return o.Tx(ctx, func(org *Org) error {
		if _, err := org.RoleMapping(ctx); err != nil {
			return err
		}
		if err := org.db.WithContext(ctx).Where("organization_id = ?", o.ID).Delete(&RoleMapping{}).Error; err != nil {
			return fmt.Errorf("delete role mapping: %w", err)
		}
		org.rulesChanged()
		return org.keepsAdmin(ctx)
	})
}

// keepsAdmin refuses new rules that would leave an organization that has
// administrators without any.
func (o *Org) keepsAdmin(ctx context.Context) error {
	if _, err := o.lockOrganization(ctx, toChange); err != nil {
		return err
	}
	var mapped int64
	admins := func(byMapping bool) (n int64, err error) {
		err = o.db.WithContext(ctx).Model(&User{}).Where("role = ? AND active = ? AND role_mapped = ?", Admin, true, byMapping).Count(&n).Error
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
	err = o.differences(ctx, r, func(d difference) {
		switch {
		case d.kind == roleDifference && d.gain:
			gained++
		case d.kind == roleDifference:
			lost++
		}
	})
	if err == nil && gained == 0 && lost == mapped {
		err = Conflictf("role_mapping", "this would take the role from the organization's last administrator; make someone an administrator by hand first")
	}
	return err
}

// setMappedRole gives or takes the role of administrator on a mapping's word. What
// a directory or a login takes from the last administrator is obeyed, and flagged.
func (o *Org) setMappedRole(ctx context.Context, id string, role Role, cause Cause) error {
	_, err := o.changeUser(ctx, id, func(org *Org, u *User) error {
		if u.Role == role || u.Role == Admin && !u.RoleMapped {
			return nil
		}
		return org.changeRole(ctx, u, role, byMapping, cause)
	})
	return err
}

// recordRole notes that a user has another role.
func (o *Org) recordRole(ctx context.Context, u *User, cause Cause, last bool) error {
	domains, err := o.Domains(ctx)
	if err != nil {
		return err
	}
	form, err := u.UserForm(domains)
	if err != nil {
		return err
	}
	form.OrganizationID = OrganizationPrefix.ID(string(o.ID))
	return o.record(UserRoleChanged, form.ID, struct {
		UserObject
		Cause     Cause `json:"cause"`
		LastAdmin bool  `json:"last_admin"` // the organization has no administrator now
	}{form, cause, last})
}

// RoleMappingObject is the public form of a RoleMapping.
type RoleMappingObject struct {
	Object         string `json:"object"`
	OrganizationID string `json:"organization_id"`
	Role           Role   `json:"role"`
	DirectoryGroupRefObject
	CreatedAt Time `json:"created_at"`
}

// PublicForm returns the object that the API shows.
func (m *RoleMapping) PublicForm() RoleMappingObject {
	return RoleMappingObject{"role_mapping", OrganizationPrefix.ID(string(m.OrganizationID)), Admin, m.DirectoryGroupRef.PublicForm(), m.CreatedAt}
}
