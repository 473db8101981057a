package operator

import (
	"context"
	"fmt"
	"maps"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
)

// UpdateOrganization locks the organization, lets change alter its fields, and stores them with an
// event. A change that alters nothing writes nothing.
func (o Org) UpdateOrganization(
	ctx context.Context, change func(*organization.OrganizationFields) error,
) (*organization.Organization, error) {
	var g *organization.Organization
	err := o.Tx(ctx, func(org Org) error {
		before, err := organization.Inside(tenant.Inside(org)).LockOrganization(ctx, tenant.ToChange)
		if err != nil {
			return err
		}
		if before.Domains, err = organization.In(org).Domains(ctx); err != nil {
			return err
		}
		after := *before
		after.Metadata = maps.Clone(before.Metadata)
		if err := change(&after.OrganizationFields); err != nil {
			return err
		}
		if after.Metadata == nil {
			after.Metadata = map[string]string{}
		}
		if err := after.Validate(); err != nil {
			return err
		}
		if err := org.checkSettings(ctx, before.Settings, after.Settings); err != nil {
			return err
		}
		if g = &after; len(people.Changed(before, g)) == 0 {
			return nil
		}
		g.UpdatedAt = tenant.Now(org)
		return org.writeOrganization(ctx, before, g)
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// checkSettings refuses a default connection that is not the organization's, and sso_required
// without an active connection.
func (o Org) checkSettings(ctx context.Context, before, after organization.Settings) error {
	if after.DefaultConnection != before.DefaultConnection {
		if err := connection.Inside(tenant.Inside(o)).CheckDefaultConnection(ctx, after.DefaultConnection); err != nil {
			return err
		}
	}
	return connection.Inside(tenant.Inside(o)).CheckEnforcement(ctx, before, after)
}

// writeOrganization writes the changed columns of an organization, the consequences for its
// sessions and passwords, and the event.
func (o Org) writeOrganization(ctx context.Context, before, after *organization.Organization) error {
	if after.Settings.AllowManualAssignments != before.Settings.AllowManualAssignments {
		tenant.RuleInputChanged(o)
	}
	row := tenant.DB(ctx, o).Model(&organization.Organization{}).Where("id = ?", o.ID)
	err := row.Select(people.Changed(before, after)).UpdateColumns(after).Error
	if err != nil {
		return organization.OrganizationTaken(fmt.Errorf("update organization: %w", err))
	}
	if seconds := after.Settings.SessionIdleSeconds; seconds != before.Settings.SessionIdleSeconds {
		if err := signon.Inside(tenant.Inside(o)).SetIdle(ctx, seconds); err != nil {
			return err
		}
	}
	if err := people.Inside(tenant.Inside(o)).EnforcePasswords(ctx, before.Settings, after.Settings); err != nil {
		return err
	}
	id := model.OrganizationPrefix.ID(string(o.ID))
	return tenant.Record(o, organization.OrganizationUpdated, id, after.PublicForm())
}

// DeleteOrganization removes the organization with all its rows, except its events. The access of
// its users ends with their rows.
func (o Org) DeleteOrganization(ctx context.Context) error {
	return o.remove(ctx, func(org Org, last bool) error {
		g, err := org.lockAll(ctx, last)
		if err != nil {
			return err
		}
		if g.Domains, err = organization.In(org).Domains(ctx); err != nil {
			return err
		}
		// Children come first: users and groups refer to their directory without a cascade, because
		// no directory may be deleted without a decision about its users.
		for _, rows := range []any{&people.User{}, &people.DirectoryGroup{}, &directory.Directory{}} {
			all := tenant.DB(ctx, org).Where("organization_id = ?", o.ID)
			if err := all.Delete(rows).Error; err != nil {
				return fmt.Errorf("delete organization: %w", err)
			}
		}
		row := tenant.DB(ctx, org).Where("id = ?", o.ID)
		if err := row.Delete(&organization.Organization{}).Error; err != nil {
			return fmt.Errorf("delete organization: %w", err)
		}
		tenant.Committed(org, directory.InsideStore(tenant.InsideStore(Across(o))).ForgetTokens)
		id := model.OrganizationPrefix.ID(string(o.ID))
		return tenant.Record(org, organization.OrganizationDeleted, id, g.PublicForm())
	})
}

// lockAll locks the groups, the users, the organization and its directories.
func (o Org) lockAll(ctx context.Context, last bool) (*organization.Organization, error) {
	if err := people.Inside(tenant.Inside(o)).LockPeople(ctx, "", last); err != nil {
		return nil, err
	}
	g, err := organization.Inside(tenant.Inside(o)).LockOrganization(ctx, tenant.ToRemove)
	if err != nil {
		return nil, err
	}
	var directories []string
	err = tenant.DB(ctx, o).Model(&directory.Directory{}).
		Clauses(clause.Locking{Strength: tenant.ToRemove}).Order("id").Pluck("id", &directories).Error
	if err != nil {
		return nil, fmt.Errorf("lock directories: %w", err)
	}
	// Groups and users were created until the organization was locked. These are locked now.
	return g, people.Inside(tenant.Inside(o)).LockPeople(ctx, "", last)
}
