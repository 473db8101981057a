package portal

import (
	"bytes"
	"context"
	"slices"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/setup"
	"rollcall/trust"
)

// guarded tells whether a visitor only adds certificates to a connection, which its metadata
// address must serve. Links travel by mail: whoever got hold of one must not have a key of their
// own trusted where people sign in. So this holds of a connection that is in use, and of any by a
// link that is made for certificates.
func guarded(v *visit, c *connection.Connection) bool {
	return c.State != connection.ConnectionDraft || !v.May(setup.ScopeSSO)
}

// because says at the begin of a refusal why a connection is guarded.
func because(v *visit) string {
	if !v.May(setup.ScopeSSO) {
		return "This link renews certificates only"
	}
	return "This connection is in use"
}

// addition turns a change of a guarded connection into one that adds certificates and does nothing
// else. It refuses a change to another identity provider, and a certificate that the connection's
// own metadata address does not serve.
func (s *Server) addition(
	ctx context.Context, v *visit, one *connection.Connection, change trust.Change,
) (trust.Change, error) {
	said := one.ConnectionFields
	if err := change(&said); err != nil {
		return nil, err
	}
	if err := sameProvider(v, &one.ConnectionFields, &said); err != nil {
		return nil, err
	}
	added := slices.DeleteFunc(slices.Clone(said.IDPCertificates), func(text string) bool {
		return slices.Contains(one.IDPCertificates, text)
	})
	if len(added) > 0 {
		if err := s.mustServe(ctx, v, one, added); err != nil {
			return nil, err
		}
	}
	return func(f *connection.ConnectionFields) error {
		f.IDPCertificates = append(f.IDPCertificates, added...)
		return nil
	}, nil
}

// sameProvider refuses a description of another identity provider than the connection's. What was
// not said stays as it is.
func sameProvider(v *visit, before, said *connection.ConnectionFields) error {
	for _, one := range []struct{ field, what, before, said string }{
		{"saml.idp_entity_id", "entity ID", before.IDPEntityID, said.IDPEntityID},
		{"oidc.client_id", "client ID", before.OIDCClientID, said.OIDCClientID},
		{"saml.idp_sso_url", "sign-on address", before.IDPSSORedirectURL, said.IDPSSORedirectURL},
		{"saml.idp_sso_url", "sign-on address", before.IDPSSOPostURL, said.IDPSSOPostURL},
		{"saml.idp_slo_url", "logout address", before.IDPSLORedirectURL, said.IDPSLORedirectURL},
		{"saml.idp_slo_url", "logout address", before.IDPSLOPostURL, said.IDPSLOPostURL},
		{"saml.idp_slo_url", "logout address", before.IDPSLORedirectResponseURL, said.IDPSLORedirectResponseURL},
		{"saml.idp_slo_url", "logout address", before.IDPSLOPostResponseURL, said.IDPSLOPostResponseURL},
	} {
		if one.said != "" && one.said != one.before {
			return errOther(v, one.field, one.what, before)
		}
	}
	if !bytes.Equal(before.OIDCClientSecret, said.OIDCClientSecret) {
		return errOther(v, "oidc.client_secret", "client secret", before)
	}
	return nil
}

// errOther refuses another value of something by which a connection knows its identity provider.
func errOther(v *visit, field, what string, before *connection.ConnectionFields) error {
	if before.OIDCClientID != "" && what == "entity ID" {
		field, what = "oidc.issuer", "issuer"
	}
	if !v.May(setup.ScopeSSO) {
		if before.OIDCClientID != "" {
			field = "" // its page has no form
		}
		return model.Invalidf(field, "%s, and what you entered has another %s. The connection's identity provider is "+
			"%.200s", because(v), what, before.IDPEntityID)
	}
	return model.Invalidf(field, "%s, and what you entered has another %s. Choose the identity provider anew under "+
		"Identity provider: it gets a connection of its own, and this one goes on until that one is turned on. Or ask "+
		"the organization's administrator or the application's operator to change this one", because(v), what)
}

// mustServe refuses certificates that the metadata address of a connection does not serve now.
func (s *Server) mustServe(
	ctx context.Context, v *visit, one *connection.Connection, certificates []string,
) error {
	const field = "saml.idp_certificates"
	const theirs = "added by the organization's administrator or by the application's operator: send them the file"
	if one.IDPMetadataURL == "" {
		return model.Invalidf(field, "%s, and the connection has no metadata address. Its certificates are %s",
			because(v), theirs)
	}
	reader := &trust.Reader{Store: s.Store, Outbound: s.Outbound}
	address, entityID := one.IDPMetadataURL, one.IDPEntityID
	read, err := reader.SAML(ctx, trust.SAML{MetadataURL: &address, EntityID: &entityID})
	if refusal(err) != nil {
		return model.Invalidf(field, "%s, and its metadata address could not be read now. Try again later. A "+
			"certificate that it does not serve is %s", because(v), theirs)
	}
	if err != nil {
		return err
	}
	var served connection.ConnectionFields
	if err := read(&served); err != nil {
		return err
	}
	for _, text := range certificates {
		if served.IDPEntityID != one.IDPEntityID || !slices.Contains(served.IDPCertificates, text) {
			return model.Invalidf(field, "%s. A certificate that its metadata address does not serve is %s",
				because(v), theirs)
		}
	}
	return nil
}
