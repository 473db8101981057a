package saml

import (
	"crypto/x509"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	schema "github.com/crewjam/saml"
)

// provider reads the roles of an entity into an IDP.
type provider struct {
	idp          IDP
	now          time.Time
	keys         int      // certificates for signing that were read, those left out too
	badKey       *Refused // the first certificate for signing that was left out
	badAddress   *Refused // the first address for sign-on that was left out
	certificates []*x509.Certificate
}

// readProvider reads the endpoints and certificates of an entity.
func readProvider(e entity, now time.Time) (IDP, error) {
	p := &provider{idp: IDP{EntityID: e.id}, now: now}
	p.checkTime(e.el, "The validUntil of the EntityDescriptor")
	roles, err := p.roles(e)
	if err != nil {
		return IDP{}, err
	}
	for _, role := range roles {
		p.role(role)
	}
	p.limit()
	switch {
	case p.idp.SSORedirectURL == "" && p.idp.SSOPostURL == "" && p.badAddress != nil:
		return IDP{}, p.badAddress
	case p.idp.SSORedirectURL == "" && p.idp.SSOPostURL == "":
		return IDP{}, refuse(MetadataWithoutSSO, "a SingleSignOnService by HTTP-Redirect or HTTP-POST", "")
	case len(p.idp.Certificates) == 0 && p.badKey != nil:
		return IDP{}, &Refused{Reason: p.badKey.Reason, Expected: p.badKey.Expected, Received: p.badKeys(),
			Err: p.badKey}
	case len(p.idp.Certificates) == 0:
		return IDP{}, refuse(MetadataWithoutKey, "a KeyDescriptor for signing with an X509Certificate", "")
	}
	return p.idp, nil
}

// roles returns the roles of an identity provider that count: those that are not past, and for SAML
// 2.0 if one says so. A role for SAML 1.1 may have other keys.
func (p *provider) roles(e entity) ([]*etree.Element, error) {
	var current, version2 []*etree.Element
	var past *Refused
	for i, role := range e.roles("IDPSSODescriptor") {
		until, over := ended(role, p.now)
		if over {
			past = &Refused{Reason: MetadataExpired, Expected: "a validUntil to come", Received: shorten(until)}
			p.idp.leaveOut(past, "IDPSSODescriptor %d", i+1)
			continue
		}
		p.checkTime(role, "The validUntil of IDPSSODescriptor %d", i+1)
		current = append(current, role)
		protocols, _ := attribute(role, "protocolSupportEnumeration")
		if slices.Contains(strings.Fields(protocols), protocolNS) {
			version2 = append(version2, role)
		}
	}
	switch {
	case len(current) == 0:
		return nil, past
	case len(version2) == 0:
		return current, nil
	}
	return version2, nil
}

// checkTime notes a validUntil that is no time.
func (p *provider) checkTime(el *etree.Element, part string, about ...any) {
	until, given := attribute(el, "validUntil")
	if _, ok := dateTime(until); given && !ok {
		p.idp.leaveOut(refuse(BadTime, "an xs:dateTime", until), part, about...)
	}
}

// role reads one role.
func (p *provider) role(role *etree.Element) {
	switch want, _ := attribute(role, "WantAuthnRequestsSigned"); strings.TrimSpace(want) {
	case "true", "1":
		p.idp.WantRequestsSigned = true
	}
	for i, s := range children(role, metadataNS, "SingleSignOnService") {
		if r := p.idp.addSSO(s); r != nil {
			p.idp.leaveOut(r, "SingleSignOnService %d", i+1)
			if p.badAddress == nil {
				p.badAddress = r
			}
		}
	}
	for i, s := range children(role, metadataNS, "SingleLogoutService") {
		if r := p.idp.SLO.add(s); r != nil {
			p.idp.leaveOut(r, "SingleLogoutService %d", i+1)
		}
	}
	for _, key := range children(role, metadataNS, "KeyDescriptor") {
		p.key(key)
	}
}

// key reads a KeyDescriptor. One without a use is for signing, too (SAML Metadata §2.4.1.1).
func (p *provider) key(key *etree.Element) {
	if use, _ := attribute(key, "use"); strings.TrimSpace(use) != "" && strings.TrimSpace(use) != "signing" {
		return
	}
	before := p.keys
	for _, info := range children(key, signatureNS, "KeyInfo") {
		for _, data := range children(info, signatureNS, "X509Data") {
			for _, el := range children(data, signatureNS, "X509Certificate") {
				p.certificate(el)
			}
		}
	}
	if p.keys == before {
		p.idp.leaveOut(refuse(MetadataWithoutKey, "an X509Certificate", "no certificate"), "A key for signing")
	}
}

// certificate adds a certificate, unless it is there already.
func (p *provider) certificate(el *etree.Element) {
	p.keys++
	encoded, err := text(el)
	var c *x509.Certificate
	if err == nil {
		c, err = ParseCertificate(encoded)
	}
	if err != nil {
		r, _ := err.(*Refused)
		p.idp.leaveOut(r, "Signing certificate %d", p.keys)
		if p.badKey == nil {
			p.badKey = r
		}
		return
	}
	if !slices.ContainsFunc(p.certificates, c.Equal) {
		p.certificates = append(p.certificates, c)
	}
}

// badKeys lists what there is instead of certificates.
func (p *provider) badKeys() string {
	var all []string
	for _, l := range p.idp.LeftOut {
		if strings.HasPrefix(l.Part, "Signing certificate") {
			all = append(all, l.Refused.Received)
		}
	}
	return shorten(strings.Join(slices.Compact(all), "; "))
}

// limit takes as many certificates as are tried. Of more, those that have expired are left out
// first.
func (p *provider) limit() {
	kept := p.certificates
	if len(kept) > maxCertificates {
		expired := func(c *x509.Certificate) bool { return p.now.After(c.NotAfter) }
		kept = slices.DeleteFunc(slices.Clone(kept), expired)
		for _, c := range p.certificates {
			if len(kept) < maxCertificates && expired(c) {
				kept = append(kept, c)
			}
		}
		kept = kept[:min(len(kept), maxCertificates)]
		for _, c := range p.certificates {
			if !slices.Contains(kept, c) {
				p.idp.leaveOut(refuse(MetadataWithoutKey, "at most 16 certificates", "more"),
					"The signing certificate with the fingerprint %s", fingerprint(c.Raw))
			}
		}
	}
	p.idp.Certificates = kept
}

// addSSO sets the endpoint of a binding to the first one in the metadata that can be used. An
// endpoint of another binding is none for us, whatever its address is.
func (idp *IDP) addSSO(el *etree.Element) *Refused {
	var to *string
	switch binding, _ := attribute(el, "Binding"); strings.TrimSpace(binding) {
	case schema.HTTPRedirectBinding:
		to = &idp.SSORedirectURL
	case schema.HTTPPostBinding:
		to = &idp.SSOPostURL
	default:
		return nil
	}
	location, _ := attribute(el, "Location")
	address, r := browserAddress(location)
	if r == nil && *to == "" {
		*to = address
	}
	return r
}

// browserAddress checks that a browser can be sent to an address in metadata: a javascript: address
// would run in our own origin when a form is posted to it.
func browserAddress(location string) (string, *Refused) {
	location = strings.TrimSpace(location)
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" ||
		u.Host == "" || u.User != nil || u.Fragment != "" {
		received := location
		if received == "" {
			received = "no Location"
		}
		return "", &Refused{
			Reason: MetadataBadAddress, Expected: "an https address", Received: shorten(received), Err: err,
		}
	}
	return location, nil
}
