package entitle

import (
	"context"
	"fmt"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// ConnectionAccount says that a connection is configured for an account: its users have licenses
// for the account.
type ConnectionAccount struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ConnectionID   string               `gorm:"primaryKey"`
	AccountID      string               `gorm:"primaryKey"`
}

// AccountsOfConnections returns, by connection, the ids of the accounts that the connections are
// configured for.
func (s Store) AccountsOfConnections(ctx context.Context, connectionIDs ...string) (map[string][]string, error) {
	var rows []ConnectionAccount
	err := across.Read(ctx, s).Where("connection_id IN ?", connectionIDs).Order("account_id").Find(&rows).Error
	if err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read accounts of connections: %w", err))
	}
	out := map[string][]string{}
	for _, r := range rows {
		out[r.ConnectionID] = append(out[r.ConnectionID], r.AccountID)
	}
	return out, nil
}

// connectionAccounts returns the ids of the accounts that a connection is configured for.
func (o Org) connectionAccounts(ctx context.Context, connectionID string) ([]string, error) {
	ids := []string{}
	err := tenant.Read(ctx, o).Model(&ConnectionAccount{}).Where("connection_id = ?", connectionID).
		Order("account_id").Pluck("account_id", &ids).Error
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read accounts of connection: %w", err))
	}
	return ids, nil
}

// SetConnectionAccounts replaces the accounts that a connection is configured for. Users who sign
// in there have licenses for these accounts and no others.
func (o Org) SetConnectionAccounts(ctx context.Context, connectionID string, accounts []string) error {
	return o.Tx(ctx, func(org Org) error {
		if _, err := connection.Inside(tenant.Inside(org)).LockConnection(ctx, connectionID,
			tenant.ToChange); err != nil {
			return err
		}
		known, err := org.connectionAccounts(ctx, connectionID)
		if err != nil {
			return err
		}
		before := map[string]bool{}
		for _, id := range known {
			before[id] = true
		}
		rows := []ConnectionAccount{}
		for _, id := range accounts {
			if _, err := org.Account(ctx, id); err != nil {
				return refuseUnknown(err, "accounts", "account", model.AccountPrefix.ID(id))
			}
			rows = append(rows, ConnectionAccount{ConnectionID: connectionID, AccountID: id})
			delete(before, id)
		}
		if len(before) == 0 && len(known) == len(rows) {
			return nil
		}
		mine := tenant.DB(ctx, org).Where("connection_id = ?", connectionID)
		if err := mine.Delete(&ConnectionAccount{}).Error; err != nil {
			return fmt.Errorf("delete accounts of connection: %w", err)
		}
		if len(rows) > 0 {
			db := tenant.DB(ctx, org).Clauses(clause.OnConflict{DoNothing: true}) // an account may be named twice
			err := db.CreateInBatches(&rows, tenant.DialectOf(org).Batch(3)).Error
			if err != nil {
				return fmt.Errorf("create accounts of connection: %w", err)
			}
		}
		tenant.RulesChanged(org)
		return nil
	})
}
