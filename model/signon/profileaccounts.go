package signon

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/internal/tenant"
)

// ProfileAccount is an account that a user has a seat in, with the groups of it
// that the user is in.
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

// ProfileAccounts returns the accounts in which a user has a seat, with the
// user's groups. Who waits for a seat is in none of the account's groups yet.
// Where the organization has no accounts, it asks nobody.
func (o Org) ProfileAccounts(ctx context.Context, userID string) ([]ProfileAccount, error) {
	out := []ProfileAccount{}
	if !tenant.HasRules(o) {
		return out, nil
	}
	granted := tenant.Read(o).Model(&entitle.License{}).Select("account_id").Where("user_id = ? AND state = ?", userID, entitle.LicenseStateGranted)
	in := tenant.Read(o).Model(&entitle.GroupAssignment{}).Select("group_id").Where("user_id = ?", userID)
	var accounts []entitle.Account
	var groups []entitle.AccountGroup
	err := tenant.Read(o).WithContext(ctx).Where("id IN (?)", granted).Order("id").Find(&accounts).Error
	if err == nil && len(accounts) > 0 {
		err = tenant.Read(o).WithContext(ctx).Where("id IN (?)", in).Order("id").Find(&groups).Error
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
