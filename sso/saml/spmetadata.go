package saml

import (
	"crypto/x509"
	"encoding/base64"
	"strconv"

	"github.com/beevik/etree"
	schema "github.com/crewjam/saml"
)

// Metadata returns the service provider's metadata (SAML Metadata §2.4.4), with which an identity
// provider is set up. It has no validUntil: few providers fetch it again, and those that check the
// date would stop signing people in. The error is for a missing key, or one that is not RSA.
func (sp SP) Metadata() ([]byte, error) {
	if err := sp.checkKey(); err != nil {
		return nil, err
	}
	root := etree.NewElement("md:EntityDescriptor")
	root.CreateAttr("xmlns:md", metadataNS)
	root.CreateAttr("xmlns:ds", signatureNS)
	root.CreateAttr("entityID", sp.EntityID)
	d := root.CreateElement("md:SPSSODescriptor")
	d.CreateAttr("AuthnRequestsSigned", strconv.FormatBool(!sp.UnsignedRequests))
	d.CreateAttr("WantAssertionsSigned", "true")
	d.CreateAttr("protocolSupportEnumeration", protocolNS)
	sp.keyDescriptors(d)
	if sp.SLOURL != "" {
		for _, binding := range [...]string{schema.HTTPRedirectBinding, schema.HTTPPostBinding} {
			slo := d.CreateElement("md:SingleLogoutService")
			slo.CreateAttr("Binding", binding)
			slo.CreateAttr("Location", sp.SLOURL)
		}
	}
	for _, format := range [...]schema.NameIDFormat{
		schema.PersistentNameIDFormat,
		schema.EmailAddressNameIDFormat,
		schema.UnspecifiedNameIDFormat,
		schema.TransientNameIDFormat,
	} {
		d.CreateElement("md:NameIDFormat").SetText(string(format))
	}
	acs := d.CreateElement("md:AssertionConsumerService")
	acs.CreateAttr("Binding", schema.HTTPPostBinding)
	acs.CreateAttr("Location", sp.ACSURL)
	acs.CreateAttr("index", "0")
	acs.CreateAttr("isDefault", "true")
	return serialize(root)
}

// keyDescriptors adds the keys for signing and, if encrypted assertions are accepted, for
// encryption. The key that signs is the first: some providers read no other.
func (sp SP) keyDescriptors(d *etree.Element) {
	certificates := []*x509.Certificate{sp.Certificate}
	if sp.Standby != nil {
		certificates = append(certificates, sp.Standby.Certificate)
	}
	for _, c := range certificates {
		keyDescriptor(d, "signing", c)
	}
	if sp.Encryption == EncryptionOff {
		return // AD FS encrypts as soon as it finds a key for encryption
	}
	for _, c := range certificates {
		encryption := keyDescriptor(d, "encryption", c)
		for _, algorithm := range sp.Encryption.methods() {
			encryption.CreateElement("md:EncryptionMethod").CreateAttr("Algorithm", algorithm)
		}
	}
}

// keyDescriptor adds a key for one use.
func keyDescriptor(d *etree.Element, use string, c *x509.Certificate) *etree.Element {
	key := d.CreateElement("md:KeyDescriptor")
	key.CreateAttr("use", use)
	data := key.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data")
	data.CreateElement("ds:X509Certificate").SetText(base64.StdEncoding.EncodeToString(c.Raw))
	return key
}
