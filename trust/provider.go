package trust

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"rollcall/model/connection"
	"rollcall/model/store"
	"rollcall/sso/certificate"
	"rollcall/sso/saml"
)

// Provider is both sides of a SAML connection in the form that package saml works with: our key is
// opened, and the certificates are parsed.
type Provider struct {
	SP  saml.SP
	IDP saml.IDP
}

// maxProviders is how many providers are kept in memory. Each takes about 10 KiB.
const maxProviders = 10_000

// Providers parses the rows of SAML connections, and keeps the result until the row changes.
type Providers struct {
	store     *store.Store
	publicURL string

	entries *lru.Cache[string, providerEntry]
}

// NewProviders makes the providers of a store for a server with the public URL.
func NewProviders(store *store.Store, publicURL string) *Providers {
	entries, _ := lru.New[string, providerEntry](maxProviders) // fails only for a size below 1
	return &Providers{store: store, publicURL: publicURL, entries: entries}
}

type providerEntry struct {
	row      connection.Connection
	provider *Provider
}

// sameTrust returns whether two rows make the same provider.
func sameTrust(a, b *connection.Connection) bool {
	return a.UpdatedAt == b.UpdatedAt && a.IDPEntityID == b.IDPEntityID &&
		a.IDPSSORedirectURL == b.IDPSSORedirectURL && a.IDPSSOPostURL == b.IDPSSOPostURL && sameLogout(a, b) &&
		slices.Equal(a.IDPCertificates, b.IDPCertificates) && a.SPCertificate == b.SPCertificate &&
		a.SPStandbyCertificate == b.SPStandbyCertificate && a.UnsignedRequests == b.UnsignedRequests &&
		a.AllowEncrypted == b.AllowEncrypted
}

func sameLogout(a, b *connection.Connection) bool {
	return a.IDPSLORedirectURL == b.IDPSLORedirectURL && a.IDPSLORedirectResponseURL == b.IDPSLORedirectResponseURL &&
		a.IDPSLOPostURL == b.IDPSLOPostURL && a.IDPSLOPostResponseURL == b.IDPSLOPostResponseURL
}

// Of returns both sides of the connection.
func (p *Providers) Of(c *connection.Connection) (*Provider, error) {
	if e, ok := p.entries.Get(c.ID); ok && sameTrust(&e.row, c) {
		return e.provider, nil
	}
	parsed, err := p.parse(c)
	if err != nil {
		return nil, fmt.Errorf("read connection: %w", err)
	}
	p.entries.Add(c.ID, providerEntry{*c, parsed})
	return parsed, nil
}

func (p *Providers) parse(c *connection.Connection) (*Provider, error) {
	text, err := connection.Across(p.store).ConnectionKey(c)
	if err != nil {
		return nil, err
	}
	current, err := parseKey(text, c.SPCertificate)
	if err != nil {
		return nil, err
	}
	our := SAMLEndpointsOf(p.publicURL, c)
	parsed := &Provider{
		SP: saml.SP{EntityID: our.EntityID, ACSURL: our.ACS, SLOURL: our.SLO,
			Key: current.Key, Certificate: current.Certificate,
			UnsignedRequests: c.UnsignedRequests, Encryption: encryption[c.AllowEncrypted]},
		IDP: saml.IDP{EntityID: c.IDPEntityID, SSORedirectURL: c.IDPSSORedirectURL, SSOPostURL: c.IDPSSOPostURL,
			SLO: saml.LogoutService{
				RedirectURL: c.IDPSLORedirectURL, RedirectResponseURL: c.IDPSLORedirectResponseURL,
				PostURL: c.IDPSLOPostURL, PostResponseURL: c.IDPSLOPostResponseURL,
			}},
	}
	if text, err = connection.Across(p.store).StandbyKey(c); err != nil {
		return nil, err
	}
	if text != nil {
		if parsed.SP.Standby, err = parseKey(text, c.SPStandbyCertificate); err != nil {
			return nil, err
		}
	}
	parsed.IDP.Certificates, err = parseCertificates(c.IDPCertificates)
	return parsed, err
}

// encryption has the value of package saml for each setting of a connection.
var encryption = map[connection.EncryptedAllowed]saml.Encryption{
	connection.EncryptedOff: saml.EncryptionOff,
	connection.EncryptedGCM: saml.EncryptionGCM,
	connection.EncryptedCBC: saml.EncryptionCBC,
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
		read, err := certificate.Parse(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse certificate: %w", err)
		}
		out = append(out, read)
	}
	return out, nil
}
