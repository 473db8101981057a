package connection

import (
	"context"
	"fmt"
	"time"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// connectionKey is the purpose for which a connection's private key is sealed.
func connectionKey(id string) string { return "connections/" + id + "/sp_key" }

// standbyKey is the purpose for which a connection's second key is sealed.
func standbyKey(id string) string { return "connections/" + id + "/sp_standby_key" }

// ConnectionKey opens the private key with which a connection signs, in PKCS #8.
func (s Store) ConnectionKey(c *Connection) ([]byte, error) {
	return tenant.SealerOf(s).Open(c.SPKey, connectionKey(c.ID))
}

// StandbyKey opens the second private key, in PKCS #8; it returns nil if there is none.
func (s Store) StandbyKey(c *Connection) ([]byte, error) {
	if c.SPStandbyCertificate == "" {
		return nil, nil
	}
	return tenant.SealerOf(s).Open(c.SPStandbyKey, standbyKey(c.ID))
}

// AddKey gives a connection a second key. Our metadata then shows both certificates, so that the
// identity provider can read the new one before PromoteKey puts it to use. key is in PKCS #8, and
// only its sealed form is stored.
func (o Org) AddKey(ctx context.Context, id, certificate string, key []byte) (*Connection, error) {
	return o.rotate(ctx, id, func(c *Connection) error {
		if c.OIDC() {
			return model.Invalidf("sp_key",
				"a connection over OpenID Connect has no keys of its own: the provider knows it by its client_secret")
		}
		if c.SPStandbyCertificate != "" {
			return model.Conflictf("sp_key",
				"the connection has a second key already; promote one of the two and delete the other")
		}
		c.SPStandbyCertificate, c.SPStandbyKey = certificate, tenant.SealerOf(o).Seal(key, standbyKey(c.ID))
		return nil
	})
}

// PromoteKey makes the connection sign with the key whose certificate has this fingerprint. The key
// that it signed with before becomes the second one, since assertions that are encrypted for it may
// still arrive.
func (o Org) PromoteKey(ctx context.Context, id, fingerprint string) (*Connection, error) {
	return o.rotate(ctx, id, func(c *Connection) error {
		certificate, err := c.keyOf(fingerprint, tenant.StoreOf(o).Now())
		if err != nil || certificate == c.SPCertificate {
			return err
		}
		standby, err := Across(o).StandbyKey(c)
		if err != nil {
			return err
		}
		current, err := Across(o).ConnectionKey(c)
		if err != nil {
			return err
		}
		c.SPCertificate, c.SPStandbyCertificate = c.SPStandbyCertificate, c.SPCertificate
		c.SPKey = tenant.SealerOf(o).Seal(standby, connectionKey(c.ID))
		c.SPStandbyKey = tenant.SealerOf(o).Seal(current, standbyKey(c.ID))
		return nil
	})
}

// DeleteKey removes the second key. It refuses the fingerprint of the key that signs.
func (o Org) DeleteKey(ctx context.Context, id, fingerprint string) (*Connection, error) {
	return o.rotate(ctx, id, func(c *Connection) error {
		certificate, err := c.keyOf(fingerprint, tenant.StoreOf(o).Now())
		if err != nil {
			return err
		}
		if certificate == c.SPCertificate {
			return model.Conflictf("sp_key", "the connection signs with this key; promote the other one first")
		}
		c.SPStandbyCertificate, c.SPStandbyKey = "", nil
		return nil
	})
}

// keyOf returns the certificate of one of our keys by its fingerprint.
func (c *Connection) keyOf(fingerprint string, now time.Time) (string, error) {
	for _, text := range []string{c.SPCertificate, c.SPStandbyCertificate} {
		if read, err := ReadCertificate(text, RequestSigning, now); err == nil && read.Fingerprint == fingerprint {
			return text, nil
		}
	}
	return "", model.NotFoundf("the connection has no key %.100q", fingerprint)
}

// rotate calls change with a connection, whose row is locked, stores its keys and records the
// events.
func (o Org) rotate(ctx context.Context, id string, change func(*Connection) error) (*Connection, error) {
	var c *Connection
	err := o.Tx(ctx, func(org Org) error {
		before, err := org.inner().LockConnection(ctx, id, tenant.ToChange)
		if err != nil {
			return err
		}
		after := *before
		if err := change(&after); err != nil {
			return err
		}
		c = &after
		if _, err := org.inner().WithDomains(ctx, c); err != nil {
			return err
		}
		if before.SPCertificate == c.SPCertificate && before.SPStandbyCertificate == c.SPStandbyCertificate {
			return nil
		}
		due := model.Time(0)
		c.UpdatedAt, c.CertificatesDueAt = tenant.Now(org), &due
		err = tenant.DB(ctx, org).Model(&Connection{}).Where("id = ?", id).
			Select("SPKey", "SPCertificate", "SPStandbyKey", "SPStandbyCertificate", "UpdatedAt", "CertificatesDueAt").
			UpdateColumns(c).Error
		if err != nil {
			return fmt.Errorf("rotate keys: %w", err)
		}
		if err := org.recordCertificates(before, c, ByRotation); err != nil || before.SPCertificate == c.SPCertificate {
			return err
		}
		renewed, err := ReadCertificate(c.SPCertificate, RequestSigning, tenant.StoreOf(o).Now())
		if err != nil {
			return err
		}
		return org.recordRenewed(c, renewed)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}
