package testidp

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
)

// The namespaces of a SAML message.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
)

// ErrNotConnected is the error of sign-on if the application has no service provider.
var ErrNotConnected = errors.New("no SAML service provider is connected: name its entity ID and its ACS URL")

// serviceProvider is the application's service provider. It is empty until it is connected.
type serviceProvider struct{ entityID, acsURL, sloURL string }

// keyPair is a signing key with its certificate.
type keyPair struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

// newKeyPair makes a certificate for the key. If key is nil, it makes a key too. Service providers
// trust the key, so the dates of the certificate are not important.
func newKeyPair(key *rsa.PrivateKey, name string, now time.Time) (keyPair, error) {
	if key == nil {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return keyPair{}, fmt.Errorf("generate the signing key: %w", err)
		}
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return keyPair{}, fmt.Errorf("generate a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return keyPair{}, fmt.Errorf("make the signing certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return keyPair{}, fmt.Errorf("read the signing certificate: %w", err)
	}
	return keyPair{key, certificate}, nil
}

// Signer returns the key that signs the application's responses: RSA of 2048 bits, unless
// ApplicationOptions has another. It is made when it is first needed. It is nil if that failed, and
// Respond then returns the error.
func (a *Application) Signer() crypto.Signer {
	k, err := a.signing()
	if err != nil {
		return nil
	}
	return k.key
}

// Certificate returns the self-signed certificate of Signer's key. It is nil if none could be made.
func (a *Application) Certificate() *x509.Certificate {
	k, err := a.signing()
	if err != nil {
		return nil
	}
	return k.certificate
}

// Personality returns the identity provider that the application imitates.
func (a *Application) Personality() Personality { return a.personality.name }

// SAMLLabel returns the name of that identity provider for readers.
func (a *Application) SAMLLabel() string { return a.personality.label }

// SAMLMetadataURL returns the address of the metadata.
func (a *Application) SAMLMetadataURL() string { return a.at("saml/metadata") }

// SAMLEntityID returns the identity provider's entity ID for the application. It is the URL of the
// metadata, except for AD FS, which has a form of its own.
func (a *Application) SAMLEntityID() string { return a.at(a.personality.entityPath) }

// SAMLSignOnURL returns the single sign-on endpoint, for HTTP-Redirect and HTTP-POST.
func (a *Application) SAMLSignOnURL() string { return a.at("saml/sso") }

// at returns the URL of a path below the application's.
func (a *Application) at(path string) string {
	return fmt.Sprintf("%s/applications/%d/%s", a.base, a.number, path)
}

// ConnectSAML sets the service provider to which people sign in: its entity ID, and the URL of its
// assertion consumer service. Before that, the metadata is served but sign-on is refused. A later
// call replaces the values. The error is an *Invalid.
func (a *Application) ConnectSAML(entityID, acsURL string) error {
	sp, err := checkServiceProvider(entityID, acsURL)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if sp.entityID == a.sp.entityID {
		sp.sloURL = a.sp.sloURL
	}
	a.sp = sp
	return nil
}

// ServiceProvider returns the values of the last ConnectSAML. Both are empty if there is no service
// provider.
func (a *Application) ServiceProvider() (entityID, acsURL string) {
	sp := a.serviceProvider()
	return sp.entityID, sp.acsURL
}

// serviceProvider returns the service provider.
func (a *Application) serviceProvider() serviceProvider {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sp
}

// plainHost matches a host with an optional port. In a Content-Security-Policy, other characters
// would begin another directive.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$|^\[[0-9A-Fa-f:.]+\](:[0-9]+)?$`)

// checkServiceProvider returns the service provider, or an *Invalid error.
func checkServiceProvider(entityID, acsURL string) (serviceProvider, error) {
	entityID, acsURL = strings.TrimSpace(entityID), strings.TrimSpace(acsURL)
	// SAML core §8.3.6 allows an entity ID 1024 characters.
	if err := checkText("entity_id", entityID, true); err != nil || len(entityID) > 1024 {
		return serviceProvider{}, &Invalid{"entity_id", "write the service provider's entity ID, in one line"}
	}
	u, err := url.Parse(acsURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !plainHost.MatchString(u.Host) ||
		u.User != nil || u.Fragment != "" || len(acsURL) > 1024 {
		return serviceProvider{}, &Invalid{"acs_url", "write the http or https URL of the assertion " +
			"consumer service, without user name and fragment"}
	}
	return serviceProvider{entityID: entityID, acsURL: acsURL}, nil
}

// SAMLMetadata returns the identity provider's metadata for the application (SAML metadata §2.4.3).
// It does not depend on the service provider, so it is complete before one is connected. It is nil
// if no key could be made.
func (a *Application) SAMLMetadata() []byte {
	certificates := a.published()
	if certificates == nil {
		return nil
	}
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := doc.CreateElement("md:EntityDescriptor")
	set(root, "xmlns:md", nsMetadata, "entityID", a.SAMLEntityID())
	role := add(root, "md:IDPSSODescriptor", "",
		"protocolSupportEnumeration", nsProtocol, "WantAuthnRequestsSigned", "false")
	for _, c := range certificates {
		info := add(add(role, "md:KeyDescriptor", "", "use", "signing"), "ds:KeyInfo", "", "xmlns:ds", nsSignature)
		add(add(info, "ds:X509Data", ""), "ds:X509Certificate", base64.StdEncoding.EncodeToString(c.Raw))
	}
	for _, binding := range []string{saml.HTTPRedirectBinding, saml.HTTPPostBinding} {
		add(role, "md:SingleLogoutService", "", "Binding", binding, "Location", a.SAMLLogoutURL())
	}
	if a.personality.nameIDFormat != "" {
		add(role, "md:NameIDFormat", a.personality.nameIDFormat)
	}
	for _, binding := range []string{saml.HTTPRedirectBinding, saml.HTTPPostBinding} {
		add(role, "md:SingleSignOnService", "", "Binding", binding, "Location", a.SAMLSignOnURL())
	}
	doc.Indent(2)
	out, err := doc.WriteToBytes()
	if err != nil {
		return nil
	}
	return out
}

// add adds a child element with text, if there is any, and attributes as names and values.
func add(parent *etree.Element, tag, text string, attributes ...string) *etree.Element {
	e := parent.CreateElement(tag)
	set(e, attributes...)
	if text != "" {
		e.SetText(text)
	}
	return e
}

// set sets attributes, given as names and values. It leaves out those with an empty value.
func set(e *etree.Element, attributes ...string) {
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] != "" {
			e.CreateAttr(attributes[i], attributes[i+1])
		}
	}
}
