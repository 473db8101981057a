package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/entitle"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/trust"
)

// connectionBody is what POST and PATCH take. PATCH changes only the members that are sent.
type connectionBody struct {
	OrganizationID    *string                      `json:"organization_id"`
	Name              *string                      `json:"name"`
	ConnectionType    *string                      `json:"connection_type"`
	SAML              *samlBody                    `json:"saml"`
	OIDC              *oidcBody                    `json:"oidc"`
	Accounts          *[]string                    `json:"accounts"`
	AllowIDPInitiated *bool                        `json:"allow_idp_initiated"`
	ApplicationID     optional[string]             `json:"application_id"`
	SubjectAttribute  optional[string]             `json:"subject_attribute"`
	UsernameAttribute optional[string]             `json:"username_attribute"`
	TrustEmail        *bool                        `json:"trust_email"`
	Reauthentication  *connection.Reauthentication `json:"reauthentication"`
	AttributeMapping  optional[map[string]string]  `json:"attribute_mapping"`
	Logout            *connection.LogoutMode       `json:"logout"`
	ExternalID        optional[string]             `json:"external_id"`

	State                optional[connection.ConnectionState] `json:"state"`
	ActivateOnFirstLogin *bool                                `json:"activate_on_first_login"`

	// The reference's members for the same; see translate.
	SAMLOptions   *samlOptions   `json:"saml_options"`
	OIDCOptions   *oidcOptions   `json:"oidc_options"`
	AttributeMaps *attributeMaps `json:"attribute_maps"`
}

// apply changes the members that were sent, except saml and oidc.
func (b *connectionBody) apply(to *connection.ConnectionFields, k key) error {
	set(&to.Name, b.Name)
	set(&to.AllowIDPInitiated, b.AllowIDPInitiated)
	set(&to.TrustEmail, b.TrustEmail)
	set(&to.Reauthentication, b.Reauthentication)
	set(&to.Logout, b.Logout)
	b.ExternalID.into(&to.ExternalID)
	if b.ActivateOnFirstLogin != nil {
		to.ActivatedByHand = !*b.ActivateOnFirstLogin
	}
	b.AttributeMapping.into(&to.AttributeMapping)
	b.SubjectAttribute.into(&to.SubjectAttribute)
	b.UsernameAttribute.into(&to.UsernameAttribute)
	if b.AttributeMaps != nil {
		if err := b.AttributeMaps.apply(to); err != nil {
			return err
		}
	}
	return b.applyApplication(to, k)
}

// applyApplication sets the application that receives logins started by the identity provider. A
// call with an application's key may set only that application: the operator decides for all
// others. The error for any other id does not tell whether such an application exists.
func (b *connectionBody) applyApplication(to *connection.ConnectionFields, k key) error {
	if !b.ApplicationID.given {
		return nil
	}
	if b.ApplicationID.value == nil {
		to.ApplicationID = nil
		return nil
	}
	id, ok := model.ApplicationPrefix.Parse(*b.ApplicationID.value)
	if ok && to.ApplicationID != nil && *to.ApplicationID == id {
		return nil
	}
	if !k.operator && id != k.application {
		return invalidf("application_id",
			"with an application's key, application_id is that application's own id or null")
	}
	if !ok {
		return invalidf("application_id", "application_id is not the id of an application; those begin with %s_",
			model.ApplicationPrefix)
	}
	to.ApplicationID = &id
	return nil
}

// settled refuses to change what is fixed when a connection is created.
func (b *connectionBody) settled(c *connection.Connection) error {
	if b.OrganizationID != nil && *b.OrganizationID != model.OrganizationPrefix.ID(string(c.OrganizationID)) {
		return invalidf("organization_id", "a connection stays in its organization; create another one there")
	}
	if b.ConnectionType != nil && *b.ConnectionType != c.Type {
		return invalidf("connection_type", "a connection keeps its type; create another one")
	}
	if b.State.given && b.State.value == nil {
		return invalidf("state", "state can be set to %q and to %q", connection.ConnectionActive,
			connection.ConnectionInactive)
	}
	if b.SAMLOptions != nil && (b.SAMLOptions.SigningKeyPair != nil || b.SAMLOptions.EncryptionKeyPairs != nil) {
		return invalidf("saml_options.sp_signing_key_pair",
			"keys are brought along when a connection is created; afterwards use its sp_keys")
	}
	return nil
}

// connectionObject is the reference's Connection with the members that Rollcall adds.
type connectionObject struct {
	connection.ConnectionObject
	AllowIDPInitiated bool                        `json:"allow_idp_initiated"`
	ApplicationID     *string                     `json:"application_id"`
	SubjectAttribute  *string                     `json:"subject_attribute"`
	UsernameAttribute *string                     `json:"username_attribute"`
	TrustEmail        bool                        `json:"trust_email"`
	Reauthentication  connection.Reauthentication `json:"reauthentication"`
	Accounts          []string                    `json:"accounts"` // the accounts that use this connection
	Logout            connection.LogoutMode       `json:"logout"`
	AttributeMapping  map[string]string           `json:"attribute_mapping"`
	ExternalID        *string                     `json:"external_id"`
	SAML              *samlObject                 `json:"saml,omitempty"`
	OIDC              *oidcObject                 `json:"oidc,omitempty"`

	ActivateOnFirstLogin bool             `json:"activate_on_first_login"`
	Rollcall             connectionExtras `json:"rollcall"`
}

// connectionExtras are what of a connection cannot be set.
type connectionExtras struct {
	TestedAt *model.Time `json:"tested_at"` // when a login succeeded as it is set up now, else null
}

func (s *Server) connectionForm(c *connection.Connection) (connectionObject, error) {
	o := connectionObject{
		ConnectionObject: c.PublicForm(), AllowIDPInitiated: c.AllowIDPInitiated, TrustEmail: c.TrustEmail,
		SubjectAttribute: model.OrNull(c.SubjectAttribute), UsernameAttribute: model.OrNull(c.UsernameAttribute),
		Reauthentication: c.Reauthentication,
		Logout:           c.Logout,
		AttributeMapping: c.AttributeMapping, ExternalID: model.OrNull(c.ExternalID),
		ActivateOnFirstLogin: !c.ActivatedByHand, Rollcall: connectionExtras{c.TestedAt},
	}
	if c.ApplicationID != nil {
		o.ApplicationID = model.OrNull(model.ApplicationPrefix.ID(*c.ApplicationID))
	}
	if c.OIDC() {
		o.OIDC = s.oidcForm(c)
		return o, nil
	}
	form, err := s.samlForm(c)
	o.SAML = &form
	return o, err
}

func (s *Server) answerConnection(c *call, status int, conn *connection.Connection) error {
	o, err := s.connectionForm(conn)
	if err != nil {
		return err
	}
	accounts, err := entitle.Across(s.Store).AccountsOfConnections(c.ctx(), conn.ID)
	if err != nil {
		return err
	}
	o.Accounts = publicIDs(model.AccountPrefix, accounts[conn.ID])
	return c.answer(status, o)
}

// withAccounts runs write and sets the accounts that the body names, in one transaction.
func (b *connectionBody) withAccounts(
	c *call, org *store.Org, write func(org *store.Org) (connectionID string, err error),
) error {
	var accounts []string
	if b.Accounts != nil {
		var err error
		if accounts, err = accountIDs("accounts", *b.Accounts); err != nil {
			return err
		}
	}
	return org.Tx(c.ctx(), func(org *store.Org) error {
		id, err := write(org)
		if err != nil || b.Accounts == nil {
			return err
		}
		return entitle.In(org).SetConnectionAccounts(c.ctx(), id, accounts)
	})
}

func (s *Server) listConnections(c *call) error {
	p := c.params()
	page := p.page(model.ConnectionPrefix, "desc")
	if err := p.err(); err != nil {
		return err
	}
	q := connection.ConnectionQuery{Page: page.Page, Type: p.text("connection_type"), Domain: p.text("domain"),
		Search: p.text("search")}
	if id := p.text("organization_id"); id != "" {
		org, _, err := c.owner(model.OrganizationPrefix, id)
		if err != nil {
			return err
		}
		q.OrganizationID = org.ID
	}
	cs, info, err := connection.Across(s.Store).Connections(c.ctx(), c.key.scope, q)
	if err != nil {
		return err
	}
	ids := make([]string, len(cs))
	for i := range cs {
		ids[i] = cs[i].ID
	}
	accounts, err := entitle.Across(s.Store).AccountsOfConnections(c.ctx(), ids...)
	if err != nil {
		return err
	}
	objects := make([]connectionObject, len(cs))
	for i := range cs {
		if objects[i], err = s.connectionForm(&cs[i]); err != nil {
			return err
		}
		objects[i].Accounts = publicIDs(model.AccountPrefix, accounts[cs[i].ID])
	}
	return answerList(c, page, objects, info)
}

func (s *Server) connection(c *call) error {
	org, id, err := c.named(model.ConnectionPrefix)
	if err != nil {
		return err
	}
	conn, err := connection.In(org).Connection(c.ctx(), id)
	if err != nil {
		return err
	}
	return s.answerConnection(c, http.StatusOK, conn)
}

func (s *Server) updateConnection(c *call) error {
	org, id, err := c.named(model.ConnectionPrefix)
	if err != nil {
		return err
	}
	body, err := decode[connectionBody](c)
	if err != nil {
		return err
	}
	before, err := connection.In(org).Connection(c.ctx(), id)
	if err != nil {
		return err
	}
	if err := body.settled(before); err != nil {
		return err
	}
	describe, err := s.described(c, &body, before)
	if err != nil {
		return body.inTheirTerms(err)
	}
	var conn *connection.Connection
	err = body.withAccounts(c, org, func(org *store.Org) (_ string, err error) {
		if conn, err = connection.In(org).UpdateConnection(c.ctx(), id, describe); err != nil || !body.State.given {
			return id, err
		}
		conn, err = connection.In(org).SwitchConnection(c.ctx(), id, *body.State.value)
		return id, err
	})
	if err != nil {
		return body.inTheirTerms(err)
	}
	return s.answerConnection(c, http.StatusOK, conn)
}

// described reads everything that a body says. What it returns changes the connection; nothing is
// locked while an identity provider is asked.
func (s *Server) described(c *call, b *connectionBody, of *connection.Connection) (trust.Change, error) {
	if err := b.translate(s, c.key, of); err != nil {
		return nil, err
	}
	if err := b.protocol(of); err != nil {
		return nil, err
	}
	describe, err := s.provider(c.ctx(), b, of)
	if err != nil {
		return nil, err
	}
	return func(to *connection.ConnectionFields) error {
		if err := describe(to); err != nil {
			return err
		}
		return b.apply(to, c.key)
	}, nil
}

func (s *Server) deleteConnection(c *call) error {
	org, id, err := c.named(model.ConnectionPrefix)
	if err != nil {
		return err
	}
	if err := connection.In(org).DeleteConnection(c.ctx(), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// listLoginAttempts lists a connection's login log, with advice for each failure.
func (s *Server) listLoginAttempts(c *call) error {
	org, id, err := c.named(model.ConnectionPrefix)
	if err != nil {
		return err
	}
	p := c.params()
	page := p.page(model.LoginAttemptPrefix, "desc")
	if err := p.err(); err != nil {
		return err
	}
	conn, err := connection.In(org).Connection(c.ctx(), id)
	if err != nil {
		return err
	}
	as, info, err := signon.In(org).LoginAttempts(c.ctx(), id, page.Page)
	if err != nil {
		return err
	}
	form := func(a *signon.LoginAttempt) signon.LoginAttemptObject { return loginAttemptForm(a, conn) }
	return answerList(c, page, forms(as, form), info)
}

// loginAttemptForm explains why a login was refused.
func loginAttemptForm(a *signon.LoginAttempt, c *connection.Connection) signon.LoginAttemptObject {
	if a.Reason == "" {
		return a.PublicForm("", "")
	}
	return a.PublicForm(trust.Explain(trust.Fault{Reason: a.Reason, Expected: a.Expected, Received: a.Received}, c))
}

// loginResponse shows the response that an identity provider sent for a refused login. It contains
// personal data, so no cache may store it.
func (s *Server) loginResponse(c *call) error {
	org, id, err := c.named(model.LoginAttemptPrefix)
	if err != nil {
		return err
	}
	r, err := signon.In(org).LoginResponse(c.ctx(), id)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.answer(http.StatusOK, r.PublicForm())
}
