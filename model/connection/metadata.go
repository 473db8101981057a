package connection

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// How often metadata is fetched. Of the first two times, up to a tenth is taken away at random, so
// that not all connections are due at once.
const (
	metadataEvery = 24 * time.Hour
	metadataRetry = time.Hour        // after an attempt that failed
	metadataWant  = 10 * time.Minute // between two attempts because of a login
)

// soon returns the moment after that time, or up to a tenth of it earlier.
func soon(now model.Time, in time.Duration) *model.Time {
	t := now + model.Time((in - rand.N(in/10)).Milliseconds())
	return &t
}

// MetadataTaken sets the times of metadata that was read from IDPMetadataURL just now.
func (c *ConnectionFields) MetadataTaken(now time.Time) {
	at := model.TimeOf(now)
	c.MetadataRefreshedAt, c.MetadataError, c.MetadataDueAt = &at, "", soon(at, metadataEvery)
}

// metadataFailed sets why an attempt to read the metadata failed, and when the next one is due.
func (c *ConnectionFields) metadataFailed(now model.Time, message string) {
	c.MetadataError, c.MetadataDueAt = tenant.Clipped(message), soon(now, metadataRetry)
}

// schedule sets when a changed connection is due for the workers. before is nil for a new one.
func (c *Connection) schedule(before *Connection) {
	if c.IDPMetadataURL == "" {
		c.MetadataRefreshedAt, c.MetadataTriedAt, c.MetadataDueAt, c.MetadataError = nil, nil, nil, ""
	}
	if before == nil || !slices.Equal(before.IDPCertificates, c.IDPCertificates) {
		at := model.Time(0)
		c.CertificatesDueAt = &at
	}
}

// onlySchedule returns whether the changed fields only say when a worker looked at the connection.
func onlySchedule(fields []string) bool {
	return !slices.ContainsFunc(fields, func(name string) bool {
		return !slices.Contains([]string{
			"MetadataRefreshedAt", "MetadataTriedAt", "MetadataDueAt", "MetadataError", "CertificatesDueAt",
		}, name)
	})
}

// ClaimMetadata returns up to n connections whose metadata is due. They are due again after the
// lease: no other process claims them before, and after a crash another process claims them.
func (s Store) ClaimMetadata(ctx context.Context, n int, lease time.Duration) ([]Connection, error) {
	return s.claim(ctx, "metadata_due_at", n, lease, map[string]any{"metadata_tried_at": model.TimeOf(s.Now())})
}

// ClaimCertificates returns up to n connections whose certificates are due for CheckCertificates.
// It claims them like ClaimMetadata.
func (s Store) ClaimCertificates(ctx context.Context, n int, lease time.Duration) ([]Connection, error) {
	return s.claim(ctx, "certificates_due_at", n, lease, map[string]any{})
}

// claim reads the connections that are due by a column, and moves the column of each by the lease.
// It leaves out those that another process has moved since.
func (s Store) claim(
	ctx context.Context, column string, n int, lease time.Duration, set map[string]any,
) ([]Connection, error) {
	now := model.TimeOf(s.Now())
	var due []Connection
	if err := across.Read(ctx, s).Where(column+" <= ?", now).Order(column).Limit(n).Find(&due).Error; err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read due connections: %w", err))
	}
	var claimed []Connection
	set[column] = now + model.Time(lease.Milliseconds())
	for _, c := range due {
		seen := c.MetadataDueAt
		if column == "certificates_due_at" {
			seen = c.CertificatesDueAt
		}
		r := across.DB(ctx, s).Model(&Connection{}).Where("id = ? AND "+column+" = ?", c.ID, seen).UpdateColumns(set)
		if r.Error != nil {
			return claimed, tenant.Translate(s, fmt.Errorf("claim connection: %w", r.Error))
		}
		if r.RowsAffected == 1 {
			claimed = append(claimed, c)
		}
	}
	return claimed, nil
}

// RefreshMetadata calls describe, which writes what the metadata at address says into the fields.
// It does nothing if the connection now has another address. It refuses the metadata of another
// identity provider.
func (o Org) RefreshMetadata(
	ctx context.Context, id, address string, describe func(*ConnectionFields),
) (*Connection, error) {
	return o.updateConnection(ctx, id, ByMetadata, func(c *ConnectionFields) error {
		if c.IDPMetadataURL != address {
			return nil
		}
		entityID := c.IDPEntityID
		describe(c)
		c.IDPMetadataURL = address
		if c.IDPEntityID != entityID {
			return model.Invalidf("saml.idp_entity_id", "the metadata is of another entity ID than the connection's")
		}
		c.MetadataTaken(tenant.StoreOf(o).Now())
		return nil
	})
}

// RefuseMetadata stores why the metadata at address was not taken over. All else of the connection
// stays as it is.
func (o Org) RefuseMetadata(ctx context.Context, id, address, message string) (*Connection, error) {
	return o.updateConnection(ctx, id, ByMetadata, func(c *ConnectionFields) error {
		if c.IDPMetadataURL == address {
			c.metadataFailed(model.TimeOf(tenant.StoreOf(o).Now()), message)
		}
		return nil
	})
}

// WantMetadata makes the metadata of a connection due now, since a response may be signed by a key
// that the connection does not have yet, and returns whether it did. It does so at most every ten
// minutes: anybody can send such a response.
func (o Org) WantMetadata(ctx context.Context, c *Connection) (wanted bool, err error) {
	now := model.TimeOf(tenant.StoreOf(o).Now())
	before := now - model.Time(metadataWant.Milliseconds())
	if c.IDPMetadataURL == "" || c.MetadataTriedAt != nil && *c.MetadataTriedAt > before ||
		c.MetadataDueAt != nil && *c.MetadataDueAt <= now {
		return false, nil
	}
	err = o.Tx(ctx, func(org Org) error {
		r := tenant.DB(ctx, org).Model(&Connection{}).
			Where("id = ? AND metadata_due_at > ? AND (metadata_tried_at IS NULL OR metadata_tried_at <= ?)",
				c.ID, now, before).
			UpdateColumns(map[string]any{"metadata_due_at": now})
		wanted = r.RowsAffected == 1
		if r.Error != nil {
			return fmt.Errorf("want metadata: %w", r.Error)
		}
		return nil
	})
	return wanted, err
}
