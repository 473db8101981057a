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

const (
	metadataEvery = 24 * time.Hour // less up to a tenth, so that not all are asked for at once
	metadataRetry = time.Hour      // after an attempt in vain
	// metadataWished is how soon after an attempt a login may ask for the next.
	metadataWished = 10 * time.Minute
)

// soon is a moment in about that time: up to a tenth sooner.
func soon(now model.Time, in time.Duration) *model.Time {
	t := now + model.Time((in - rand.N(in/10)).Milliseconds())
	return &t
}

// MetadataTaken notes that what a connection knows of its identity provider was read from
// IDPMetadataURL just now.
func (c *ConnectionFields) MetadataTaken(now time.Time) {
	at := model.TimeOf(now)
	c.MetadataRefreshedAt, c.MetadataError, c.MetadataDueAt = &at, "", soon(at, metadataEvery)
}

// metadataFailed notes why an attempt was in vain. What is known stays.
func (c *ConnectionFields) metadataFailed(now model.Time, message string) {
	c.MetadataError, c.MetadataDueAt = tenant.Clipped(message), soon(now, metadataRetry)
}

// schedule sets what is due once a connection has changed from what it was before; nil when it is new.
func (c *Connection) schedule(before *Connection) {
	if c.IDPMetadataURL == "" {
		c.MetadataRefreshedAt, c.MetadataTriedAt, c.MetadataDueAt, c.MetadataError = nil, nil, nil, ""
	}
	if before == nil || !slices.Equal(before.IDPCertificates, c.IDPCertificates) {
		at := model.Time(0)
		c.CertificatesDueAt = &at
	}
}

// onlyKeptHouse tells whether nothing of a connection changed but when it was looked at.
func onlyKeptHouse(fields []string) bool {
	return !slices.ContainsFunc(fields, func(name string) bool {
		return !slices.Contains([]string{"MetadataRefreshedAt", "MetadataTriedAt", "MetadataDueAt", "MetadataError", "CertificatesDueAt"}, name)
	})
}

// ClaimMetadata returns up to n connections whose identity provider's metadata is to be read, and
// makes them due again only after the lease: of several replicas one gets each, and what one that
// ended had claimed is claimed anew.
func (s Store) ClaimMetadata(ctx context.Context, n int, lease time.Duration) ([]Connection, error) {
	return s.claim(ctx, "metadata_due_at", n, lease, map[string]any{"metadata_tried_at": model.TimeOf(s.Now())})
}

// ClaimCertificates returns up to n connections whose certificates' dates are to be looked at,
// claimed likewise.
func (s Store) ClaimCertificates(ctx context.Context, n int, lease time.Duration) ([]Connection, error) {
	return s.claim(ctx, "certificates_due_at", n, lease, map[string]any{})
}

// claim reads what is due by a column, and moves that of each row that nobody else has moved since.
func (s Store) claim(ctx context.Context, column string, n int, lease time.Duration, set map[string]any) ([]Connection, error) {
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

// RefreshMetadata takes over what the metadata at address says. It is nothing to a connection that
// has another address meanwhile, and refused where it is of another identity provider.
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

// RefuseMetadata notes why the metadata at address was not taken over. What is known of the
// identity provider stays.
func (o Org) RefuseMetadata(ctx context.Context, id, address, message string) (*Connection, error) {
	return o.updateConnection(ctx, id, ByMetadata, func(c *ConnectionFields) error {
		if c.IDPMetadataURL == address {
			c.metadataFailed(model.TimeOf(tenant.StoreOf(o).Now()), message)
		}
		return nil
	})
}

// WantMetadata has the metadata of a connection read soon, since a response may be signed by a key
// that is not known, and tells whether it does. It does so at most every ten minutes: anybody can
// send such a response.
func (o Org) WantMetadata(ctx context.Context, c *Connection) (wanted bool, err error) {
	now := model.TimeOf(tenant.StoreOf(o).Now())
	before := now - model.Time(metadataWished.Milliseconds())
	if c.IDPMetadataURL == "" || c.MetadataTriedAt != nil && *c.MetadataTriedAt > before || c.MetadataDueAt != nil && *c.MetadataDueAt <= now {
		return false, nil
	}
	err = o.Tx(ctx, func(org Org) error {
		r := tenant.DB(org).WithContext(ctx).Model(&Connection{}).
			Where("id = ? AND metadata_due_at > ? AND (metadata_tried_at IS NULL OR metadata_tried_at <= ?)", c.ID, now, before).
			UpdateColumns(map[string]any{"metadata_due_at": now})
		wanted = r.RowsAffected == 1
		if r.Error != nil {
			return fmt.Errorf("want metadata: %w", r.Error)
		}
		return nil
	})
	return wanted, err
}
