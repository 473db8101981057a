package api

import (
	"fmt"
	"net/http"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/trust"
)

// spKeyObject is one of our own keys of a connection. Its id is the SHA-256 fingerprint of its
// certificate.
type spKeyObject struct {
	Object      string                      `json:"object"`
	ID          string                      `json:"id"`
	Role        string                      `json:"role"` // current or standby
	Certificate string                      `json:"certificate"`
	Subject     string                      `json:"subject"`
	NotBefore   model.Time                  `json:"not_before"`
	NotAfter    model.Time                  `json:"not_after"`
	State       connection.CertificateState `json:"state"`
}

// spKeys returns the keys of a connection. The key that signs comes first.
func (s *Server) spKeys(c *connection.Connection) ([]spKeyObject, error) {
	var out []spKeyObject
	for i, text := range []string{c.SPCertificate, c.SPStandbyCertificate} {
		if text == "" {
			continue
		}
		read, err := connection.ReadCertificate(text, connection.RequestSigning, s.Store.Now())
		if err != nil {
			return nil, fmt.Errorf("read the keys of connection %s: %w", c.ID, err)
		}
		role := [...]string{"current", "standby"}[i]
		out = append(out, spKeyObject{"sp_key", read.Fingerprint, role, text,
			read.Subject, read.NotBefore, read.NotAfter, read.State})
	}
	return out, nil
}

func (s *Server) listSPKeys(c *call) error {
	org, id, err := c.named(model.ConnectionPrefix)
	if err != nil {
		return err
	}
	conn, err := connection.In(org).Connection(c.ctx(), id)
	if err != nil {
		return err
	}
	keys, err := s.spKeys(conn)
	if err != nil {
		return err
	}
	return answerList(c, page{}, keys, model.PageInfo{}) // there are at most two
}

// createSPKey makes the standby key.
func (s *Server) createSPKey(c *call) error {
	org, id, err := c.named(model.ConnectionPrefix)
	if err != nil {
		return err
	}
	certificate, key, err := trust.NewKey(id, s.Store.Now())
	if err != nil {
		return err
	}
	conn, err := connection.In(org).AddKey(c.ctx(), id, certificate, key)
	if err != nil {
		return err
	}
	return s.answerSPKey(c, http.StatusCreated, conn, certificate)
}

func (s *Server) promoteSPKey(c *call) error {
	org, id, err := c.named(model.ConnectionPrefix)
	if err != nil {
		return err
	}
	conn, err := connection.In(org).PromoteKey(c.ctx(), id, c.Param("key"))
	if err != nil {
		return err
	}
	return s.answerSPKey(c, http.StatusOK, conn, conn.SPCertificate)
}

// answerSPKey answers with the key that has the certificate.
func (s *Server) answerSPKey(c *call, status int, conn *connection.Connection, certificate string) error {
	keys, err := s.spKeys(conn)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.Certificate == certificate {
			return c.answer(status, k)
		}
	}
	return fmt.Errorf("connection %s has no key of the certificate", conn.ID)
}

func (s *Server) deleteSPKey(c *call) error {
	org, id, err := c.named(model.ConnectionPrefix)
	if err != nil {
		return err
	}
	if _, err := connection.In(org).DeleteKey(c.ctx(), id, c.Param("key")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
