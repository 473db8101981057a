package api

import (
	"net/http"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/organization"
	"rollcall/model/store"
	"rollcall/trust"
)

func (s *Server) createConnection(c *call) error {
	body, err := decode[connectionBody](c)
	if err != nil {
		return err
	}
	var owner string
	set(&owner, body.OrganizationID)
	if err := required("organization_id", owner); err != nil {
		return err
	}
	org, _, err := c.owner(model.OrganizationPrefix, owner)
	if err != nil {
		return err
	}
	known, err := body.known(c, org)
	if err != nil {
		return err
	}
	if known != nil {
		return s.answerConnection(c, http.StatusOK, known)
	}
	if err := body.complete(c, org); err != nil {
		return err
	}
	conn := &connection.Connection{ID: connection.NewConnectionID(), OrganizationID: org.ID, Type: *body.ConnectionType}
	describe, err := s.described(c, &body, conn)
	if err != nil {
		return body.inTheirTerms(err)
	}
	if err := describe(&conn.ConnectionFields); err != nil {
		return body.inTheirTerms(err)
	}
	err = s.insertConnection(c, org, &body, conn)
	if model.KindOf(err) == model.Conflict && fieldOf(err) == "external_id" { // somebody was faster
		if known, err = body.known(c, org); known != nil {
			return s.answerConnection(c, http.StatusOK, known)
		}
	}
	if err != nil {
		return body.inTheirTerms(err)
	}
	return s.answerConnection(c, http.StatusCreated, conn)
}

// known returns the connection that already has the external_id of the body, or nil. As in the
// reference, a connection that is created twice is created once.
func (b *connectionBody) known(c *call, org *store.Org) (*connection.Connection, error) {
	if b.ExternalID.value == nil || *b.ExternalID.value == "" {
		return nil, nil
	}
	known, err := connection.In(org).ConnectionByExternalID(c.ctx(), *b.ExternalID.value)
	if model.KindOf(err) == model.NotFound {
		return nil, nil
	}
	return known, err
}

// complete fills in what a new connection need not say: its type and, in the reference's members,
// its name, which is then the organization's.
func (b *connectionBody) complete(c *call, org *store.Org) error {
	if b.State.given && (b.State.value == nil || *b.State.value != connection.ConnectionDraft) {
		return invalidf("state", "a connection begins as a draft; leave state out, and set it later")
	}
	if b.Name == nil && (b.SAMLOptions != nil || b.OIDCOptions != nil) {
		g, err := organization.In(org).Organization(c.ctx())
		if err != nil {
			return err
		}
		b.Name = &g.Name
	}
	kind := ""
	switch {
	case b.ConnectionType != nil:
		kind = *b.ConnectionType
	case b.SAMLOptions != nil:
		kind = "GenericSAML"
	case b.OIDCOptions != nil:
		kind = "GenericOIDC"
	}
	b.ConnectionType = &kind
	return required("connection_type", kind)
}

// insertConnection stores a new connection with its keys: those that the caller brings along, or a
// new one.
func (s *Server) insertConnection(c *call, org *store.Org, b *connectionBody, conn *connection.Connection) error {
	pairs, err := b.keyPairs()
	if err != nil {
		return err
	}
	var certificates []string
	var keys [][]byte
	for _, pair := range pairs {
		certificate, key, err := pair.Read()
		if err != nil {
			return err
		}
		certificates, keys = append(certificates, certificate), append(keys, key)
	}
	if len(keys) == 0 && !conn.OIDC() {
		certificate, key, err := trust.NewKey(conn.ID, s.Store.Now())
		if err != nil {
			return err
		}
		certificates, keys = []string{certificate}, [][]byte{key}
	}
	var first []byte
	if len(keys) > 0 {
		conn.SPCertificate, first = certificates[0], keys[0]
	}
	return b.withAccounts(c, org, func(org *store.Org) (string, error) {
		err := connection.In(org).CreateConnection(c.ctx(), conn, first)
		if err != nil || len(keys) < 2 {
			return conn.ID, err
		}
		with, err := connection.In(org).AddKey(c.ctx(), conn.ID, certificates[1], keys[1])
		if err == nil {
			*conn = *with
		}
		return conn.ID, err
	})
}
