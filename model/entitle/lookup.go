package entitle

import (
	"context"
	"fmt"

	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// AccountsOfConnections returns the ids of the accounts that each of the
// connections is configured for.
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
