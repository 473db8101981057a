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

// ErrNotConnected is what sign-on answers while the application has no service provider.
var ErrNotConnected = errors.New("no SAML service provider is connected: name its entity ID and its ACS URL")

// serviceProvider is the application's side of SAML, empty until it is connected.
type serviceProvider struct{ entityID, acsURL string }

// keyPair is what an application signs with.
type keyPair struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

// newKeyPair makes a certificate for the key, or for one that it makes when key is nil. Service
// providers trust the key; the dates are those that such certificates commonly have.
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

// Signer returns the key that the application's responses are signed with, RSA of 2048 bits unless
// ApplicationOptions has another. It is made when it is first needed; nil if that failed, which
// Respond then explains.
func (a *Application) Signer() crypto.Signer {
	k, err := a.signing()
	if err != nil {
		return nil
	}
	return k.key
}

// Certificate returns the self-signed certificate of Signer's key; nil if none could be made.
func (a *Application) Certificate() *x509.Certificate {
	k, err := a.signing()
	if err != nil {
		return nil
	}
	return k.certificate
}

// Personality returns the identity provider whose SAML responses the application's look like.
func (a *Application) Personality() Personality { return a.personality.name }

// SAMLLabel returns the personality's name as people know it.
func (a *Application) SAMLLabel() string { return a.personality.label }

// SAMLMetadataURL returns where the metadata is served.
func (a *Application) SAMLMetadataURL() string { return a.at("saml/metadata") }

// SAMLEntityID returns the entity ID by which this identity provider issues to the application:
// the metadata's URL, except that AD FS has one of its own.
func (a *Application) SAMLEntityID() string { return a.at(a.personality.entityPath) }

// SAMLSignOnURL returns where the browser brings an AuthnRequest, by HTTP-Redirect or HTTP-POST.
func (a *Application) SAMLSignOnURL() string { return a.at("saml/sso") }

func (a *Application) at(path string) string {
	return fmt.Sprintf("%s/applications/%d/%s", a.base, a.number, path)
}

// ConnectSAML names the service provider to which people sign in, by its entity ID and the URL of
// its assertion consumer service. Until then the metadata is served, and sign-on is refused. It may
// be called again, with other values.
func (a *Application) ConnectSAML(entityID, acsURL string) error {
	sp, err := checkServiceProvider(entityID, acsURL)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sp = sp
	return nil
}

// ServiceProvider returns what ConnectSAML was last given; both are empty before.
func (a *Application) ServiceProvider() (entityID, acsURL string) {
	sp := a.serviceProvider()
	return sp.entityID, sp.acsURL
}

func (a *Application) serviceProvider() serviceProvider {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sp
}

// plainHost is a host with an optional port. It goes into a Content-Security-Policy, where other
// characters would begin another directive.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$|^\[[0-9A-Fa-f:.]+\](:[0-9]+)?$`)

func checkServiceProvider(entityID, acsURL string) (serviceProvider, error) {
	entityID, acsURL = strings.TrimSpace(entityID), strings.TrimSpace(acsURL)
	// SAML core §8.3.6 allows an entity ID 1024 characters.
	if err := checkText("entity_id", entityID, true); err != nil || len(entityID) > 1024 {
		return serviceProvider{}, &Invalid{"entity_id", "write the service provider's entity ID, in one line"}
	}
	u, err := url.Parse(acsURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !plainHost.MatchString(u.Host) ||
		u.User != nil || u.Fragment != "" || len(acsURL) > 1024 {
		return serviceProvider{}, &Invalid{"acs_url", "write the http or https URL of the assertion consumer service, " +
			"without user name and fragment"}
	}
	return serviceProvider{entityID, acsURL}, nil
}

// SAMLMetadata returns the identity provider's metadata for the application (SAML metadata §2.4.3).
// It names no service provider, so that it is there before one is connected. It is nil if no key
// could be made.
func (a *Application) SAMLMetadata() []byte {
	certificates := a.published()
	if certificates == nil {
		return nil
	}
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := doc.CreateElement("md:EntityDescriptor")
	set(root, "xmlns:md", nsMetadata, "entityID", a.SAMLEntityID())
	role := add(root, "md:IDPSSODescriptor", "", "protocolSupportEnumeration", nsProtocol, "WantAuthnRequestsSigned", "false")
	for _, c := range certificates {
		info := add(add(role, "md:KeyDescriptor", "", "use", "signing"), "ds:KeyInfo", "", "xmlns:ds", nsSignature)
		add(add(info, "ds:X509Data", ""), "ds:X509Certificate", base64.StdEncoding.EncodeToString(c.Raw))
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

// add makes a child element with text, if there is any, and attributes given as name and value.
func add(parent *etree.Element, tag, text string, attributes ...string) *etree.Element {
	e := parent.CreateElement(tag)
	set(e, attributes...)
	if text != "" {
		e.SetText(text)
	}
	return e
}

// set sets attributes given as name and value, those with a value.
func set(e *etree.Element, attributes ...string) {
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] != "" {
			e.CreateAttr(attributes[i], attributes[i+1])
		}
	}
}
