package operator

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/setup"
	"rollcall/model/signon"
)

// ownedBy has the row types that an API id names without its organization, by the prefix of the id.
var ownedBy = map[model.Prefix]any{
	model.OrganizationDomainPrefix: &organization.Domain{},
	model.DirectoryPrefix:          &directory.Directory{},
	model.DirectoryUserPrefix:      &people.User{},
	model.UserPrefix:               &people.User{},
	model.DirectoryGroupPrefix:     &people.DirectoryGroup{},
	model.ConnectionPrefix:         &connection.Connection{},
	model.AccountPrefix:            &entitle.Account{},
	model.LicensePrefix:            &entitle.License{},
	model.SessionPrefix:            &people.Session{},
	model.ProfilePrefix:            &people.Identity{},
	model.LoginAttemptPrefix:       &signon.LoginAttempt{},
	setup.LinkPrefix:               &setup.Link{},
}

// OrganizationOf returns the organization of a row that an API call names only by its id. It
// answers NotFound where the scope has no such row.
func (s Store) OrganizationOf(
	ctx context.Context, scope model.Scope, kind model.Prefix, id string,
) (model.OrganizationID, error) {
	var ids []model.OrganizationID
	rows, ok := ownedBy[kind]
	if !ok || !model.IsID(id) {
		return "", model.NotFoundf("there is no %.100s", kind.ID(id))
	}
	db := across.Read(ctx, s).Model(rows).Where("id = ?", id)
	if err := tenant.Within(db, scope, "organization_id").Pluck("organization_id", &ids).Error; err != nil {
		return "", tenant.Translate(s, fmt.Errorf("find organization: %w", err))
	}
	// The profile of a user without an identity, who signs in by a password, has the id of the
	// user.
	if len(ids) == 0 && kind == model.ProfilePrefix {
		return s.OrganizationOf(ctx, scope, model.UserPrefix, id)
	}
	if len(ids) == 0 {
		return "", model.NotFoundf("there is no %s", kind.ID(id))
	}
	return ids[0], nil
}
