package sso

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"rollcall/model"
	"rollcall/sso/saml"
)

// provider is a connection as sso/saml takes it: its key opened and its certificates parsed.
type provider struct {
	sp  saml.SP
	idp saml.IDP
}

// maxProviders are kept in memory, some 10 KiB each.
const maxProviders = 10_000

// providerCache keeps what was parsed of a connection for as long as its row stays as it is.
type providerCache struct {
	entries *lru.Cache[string, providerEntry]
}

func (c *providerCache) init() {
	c.entries, _ = lru.New[string, providerEntry](maxProviders) // fails only for a size below 1
}

type providerEntry struct {
	row      model.Connection
	provider *provider
}

// sameTrust tells whether two rows make the same provider.
func sameTrust(a, b *model.Connection) bool {
	return a.UpdatedAt == b.UpdatedAt && a.IDPEntityID == b.IDPEntityID && a.IDPSSORedirectURL == b.IDPSSORedirectURL &&
		a.IDPSSOPostURL == b.IDPSSOPostURL && sameLogout(a, b) && a.SPCertificate == b.SPCertificate && slices.Equal(a.IDPCertificates, b.IDPCertificates) &&
		a.SPStandbyCertificate == b.SPStandbyCertificate && a.UnsignedRequests == b.UnsignedRequests && a.AllowEncrypted == b.AllowEncrypted
}

func sameLogout(a, b *model.Connection) bool {
	return a.IDPSLORedirectURL == b.IDPSLORedirectURL && a.IDPSLORedirectResponseURL == b.IDPSLORedirectResponseURL &&
		a.IDPSLOPostURL == b.IDPSLOPostURL && a.IDPSLOPostResponseURL == b.IDPSLOPostResponseURL
}

// provider returns the connection's two sides, parsed once.
func (s *Server) provider(c *model.Connection) (*provider, error) {
	if e, ok := s.providers.entries.Get(c.ID); ok && sameTrust(&e.row, c) {
		return e.provider, nil
	}
	p, err := s.parseProvider(c)
	if err != nil {
		return nil, fmt.Errorf("read connection: %w", err)
	}
	s.providers.entries.Add(c.ID, providerEntry{*c, p})
	return p, nil
}

func (s *Server) parseProvider(c *model.Connection) (*provider, error) {
	text, err := s.Store.ConnectionKey(c)
	if err != nil {
		return nil, err
	}
	current, err := parseKey(text, c.SPCertificate)
	if err != nil {
		return nil, err
	}
	base := s.public("/sso/saml/" + model.ConnectionPrefix.ID(c.ID))
	p := &provider{
		sp: saml.SP{EntityID: base + "/metadata", ACSURL: base + "/acs", SLOURL: base + "/slo", Key: current.Key, Certificate: current.Certificate,
			UnsignedRequests: c.UnsignedRequests, Encryption: encryption[c.AllowEncrypted]},
		idp: saml.IDP{EntityID: c.IDPEntityID, SSORedirectURL: c.IDPSSORedirectURL, SSOPostURL: c.IDPSSOPostURL, SLO: saml.LogoutService{
			RedirectURL: c.IDPSLORedirectURL, RedirectResponseURL: c.IDPSLORedirectResponseURL,
			PostURL: c.IDPSLOPostURL, PostResponseURL: c.IDPSLOPostResponseURL,
		}},
	}
	if text, err = s.Store.StandbyKey(c); err != nil {
		return nil, err
	}
	if text != nil {
		if p.sp.Standby, err = parseKey(text, c.SPStandbyCertificate); err != nil {
			return nil, err
		}
	}
	p.idp.Certificates, err = parseCertificates(c.IDPCertificates)
	return p, err
}

// encryption is what a connection allows, in the words of package saml.
var encryption = map[model.EncryptedAllowed]saml.Encryption{
	model.EncryptedOff: saml.EncryptionOff, model.EncryptedGCM: saml.EncryptionGCM, model.EncryptedCBC: saml.EncryptionCBC,
}

// parseKey reads a key of ours and its certificate.
func parseKey(pkcs8 []byte, certificate string) (*saml.KeyPair, error) {
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, errors.New("its key is no PKCS #8") // the cause could quote the key
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("its key does not sign")
	}
	certificates, err := parseCertificates([]string{certificate})
	if err != nil {
		return nil, err
	}
	return &saml.KeyPair{Key: signer, Certificate: certificates[0]}, nil
}

// parseCertificates reads certificates as the store keeps them, in PEM.
func parseCertificates(texts []string) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for _, text := range texts {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return nil, errors.New("a certificate is no PEM")
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse certificate: %w", err)
		}
		out = append(out, certificate)
	}
	return out, nil
}
