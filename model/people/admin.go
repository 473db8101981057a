package people

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// SetRole gives a user a role. Taking admin away also ends the user's access,
// since what was opened as an admin must not live on, and removes their password.
// It answers Conflict for the last active administrator.
func (o Org) SetRole(ctx context.Context, id string, role Role) (*User, error) {
	if role != Member && role != Admin {
		return nil, model.Invalidf("role", "the role is %q or %q", Member, Admin)
	}
	return o.inner().ChangeUser(ctx, id, func(org Org, u *User) error {
		if u.RoleMapped && role == Member {
			return model.Conflictf("role",
				"a directory group makes this user an administrator; take them out of it, or change the role mapping")
		}
		u.RoleMapped = false // from now on it is by a person's word
		if u.Role == role {
			return nil
		}
		return org.inner().ChangeRole(ctx, u, role, ByPerson, tenant.CauseManual)
	})
}

// ChangeRole gives a user, whose row the caller has locked, another role.
func (o Inner) ChangeRole(ctx context.Context, u *User, role Role, by changeSource, cause tenant.Cause) error {
	after := *u
	// An earlier consent to an adoption was not for an administrator.
	after.Role, after.RoleMapped, after.AdoptionConfirmed = role, by == ByMapping && role == Admin, false
	c := ConsequencesOf(u, &after, by)
	c.cause = cause
	if err := o.CheckLastAdmin(ctx, &c); err != nil {
		return err
	}
	*u = *c.Row
	if err := o.RecordChange(ctx, &c); err != nil {
		return err
	}
	return o.CloseAccess(ctx, &c)
}

// ConfirmAdoption lets a directory take over an administrator that no directory
// owns, once it sends that person (docs/design/identity.md, "Adoption").
func (o Org) ConfirmAdoption(ctx context.Context, id string) (*User, error) {
	return o.inner().ChangeUser(ctx, id, func(_ Org, u *User) error {
		if u.DirectoryID != nil {
			return model.Conflictf("user_id", "a directory owns this user already; there is nothing to confirm")
		}
		if u.Role != Admin {
			return model.Conflictf("user_id",
				"this user is no administrator; a directory may take them over without being confirmed")
		}
		u.AdoptionConfirmed = true
		return nil
	})
}

// Confirmed refuses the adoption of an administrator without a consent to it: a directory would
// otherwise gain the powers of any administrator that it can name.
func (u *User) Confirmed() error {
	if u.Role == Admin && !u.AdoptionConfirmed {
		return model.Conflictf("userName", "an administrator must confirm that the directory may take over this user")
	}
	return nil
}

// otherAdmins counts the active administrators other than one user. It locks the
// organization: of two administrators who leave at once, each must not count the other.
func (o Org) otherAdmins(ctx context.Context, id string) (int64, error) {
	if _, err := organization.Inside(tenant.Inside(o)).LockOrganization(ctx, tenant.ToChange); err != nil {
		return 0, err
	}
	var others int64
	err := tenant.DB(ctx, o).Model(&User{}).
		Where("role = ? AND active = ? AND id <> ?", Admin, true, id).Count(&others).Error
	if err != nil {
		return 0, fmt.Errorf("count administrators: %w", err)
	}
	return others, nil
}

// withoutAdmin is the data of organization.without_admin.
type withoutAdmin struct {
	organization.OrganizationObject
	UserID string          `json:"user_id"` // the last one
	Cause  model.EventType `json:"cause"`
	Alert  bool            `json:"alert"`
}

// FlagLastAdmin records, where it is so, that a directory has taken the last active
// administrator away. The change is carried out all the same, and nobody may overlook it.
func (o Inner) FlagLastAdmin(ctx context.Context, u *User, cause model.EventType) error {
	others, err := o.otherAdmins(ctx, u.ID)
	if err != nil || others > 0 {
		return err
	}
	g, err := organization.In(o).Organization(ctx)
	if err != nil {
		return err
	}
	id := model.OrganizationPrefix.ID(string(o.ID))
	return tenant.Record(o, OrganizationWithoutAdmin, id,
		withoutAdmin{g.PublicForm(), model.UserPrefix.ID(u.ID), cause, true})
}
