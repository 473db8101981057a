package saml

import (
	"bytes"
	"crypto/x509"
	"encoding/xml"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	schema "github.com/crewjam/saml"
)

// maxCertificates is how many keys a response is tried with.
const maxCertificates = 16

// MetadataAccept is what is asked for where metadata is fetched (SAML Metadata, appendix A).
const MetadataAccept = "application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.8"

// ParseMetadata reads an identity provider's metadata: an EntityDescriptor, or an
// EntitiesDescriptor of which entityID chooses one. An empty entityID takes the only provider.
// A signature on metadata is not looked at: whoever pastes it, or the address it comes from, is
// what is trusted.
func ParseMetadata(document []byte, entityID string, now time.Time) (IDP, error) {
	document = bytes.TrimSpace(bytes.TrimPrefix(document, []byte("\xef\xbb\xbf")))
	if err := notMetadata(document); err != nil {
		return IDP{}, err
	}
	if err := precheck(document, metadataLimits); err != nil {
		return IDP{}, err
	}
	root, err := parse(document)
	if err != nil {
		return IDP{}, err
	}
	chosen, err := choose(document, root, entityID, now)
	if err != nil {
		return IDP{}, err
	}
	if !chosen.ValidUntil.IsZero() && !now.Before(chosen.ValidUntil) {
		return IDP{}, refuse(MetadataExpired, "a validUntil to come", chosen.ValidUntil.UTC().Format(time.RFC3339))
	}
	if chosen.EntityID == "" {
		return IDP{}, refuse(MetadataWithoutID, "an entityID", "")
	}
	return identityProvider(chosen)
}

// notMetadata recognizes what people paste instead, before XML's rules say something obscure.
func notMetadata(document []byte) error {
	begin := strings.ToLower(string(document[:min(len(document), 512)]))
	switch {
	case len(document) == 0:
		return refuse(NotMetadata, "an EntityDescriptor", "nothing")
	case strings.HasPrefix(begin, "<!doctype html"), strings.HasPrefix(begin, "<html"):
		return refuse(MetadataIsHTML, "an EntityDescriptor", begin)
	case strings.HasPrefix(begin, "-----begin"), strings.HasPrefix(begin, "mii"):
		return refuse(MetadataIsCertificate, "an EntityDescriptor", begin)
	case strings.HasPrefix(begin, "https://"), strings.HasPrefix(begin, "http://"):
		return refuse(MetadataIsURL, "an EntityDescriptor", begin)
	}
	return nil
}

func choose(document []byte, root *etree.Element, entityID string, now time.Time) (schema.EntityDescriptor, error) {
	var entities []schema.EntityDescriptor
	switch {
	case is(root, metadataNS, "EntityDescriptor"):
		var one schema.EntityDescriptor
		if err := xml.Unmarshal(document, &one); err != nil {
			return one, &Refused{Reason: NotMetadata, Expected: "an EntityDescriptor", Received: shorten(err.Error()), Err: err}
		}
		entities = append(entities, one)
	case is(root, metadataNS, "EntitiesDescriptor"):
		var several schema.EntitiesDescriptor
		if err := xml.Unmarshal(document, &several); err != nil {
			return schema.EntityDescriptor{}, &Refused{Reason: NotMetadata, Expected: "an EntitiesDescriptor", Received: shorten(err.Error()), Err: err}
		}
		var err error
		if entities, err = flatten(several, now); err != nil {
			return schema.EntityDescriptor{}, err
		}
	default:
		return schema.EntityDescriptor{}, refuse(NotMetadata, "an EntityDescriptor", "{"+root.NamespaceURI()+"}"+root.Tag)
	}
	providers := slices.DeleteFunc(slices.Clone(entities), func(e schema.EntityDescriptor) bool {
		return len(e.IDPSSODescriptors) == 0 || entityID != "" && e.EntityID != entityID
	})
	switch {
	case len(providers) == 1:
		return providers[0], nil
	case len(providers) > 1:
		return providers[0], refuseNames(MetadataOfSeveral, "one identity provider", providers)
	case len(entities) == 1 && len(entities[0].SPSSODescriptors) > 0 && len(entities[0].IDPSSODescriptors) == 0:
		return entities[0], refuse(MetadataOfSP, "an IDPSSODescriptor", entities[0].EntityID)
	case entityID != "" && len(entities) > 0:
		return schema.EntityDescriptor{}, refuseNames(MetadataWithoutChosen, entityID, entities)
	}
	return schema.EntityDescriptor{}, refuse(MetadataWithoutSSO, "an IDPSSODescriptor", names(entities))
}

// flatten returns the entities of an aggregate and of those within it.
func flatten(group schema.EntitiesDescriptor, now time.Time) ([]schema.EntityDescriptor, error) {
	if group.ValidUntil != nil && !now.Before(*group.ValidUntil) {
		return nil, refuse(MetadataExpired, "a validUntil to come", group.ValidUntil.UTC().Format(time.RFC3339))
	}
	entities := group.EntityDescriptors
	for _, inner := range group.EntitiesDescriptors {
		more, err := flatten(inner, now)
		if err != nil {
			return nil, err
		}
		entities = append(entities, more...)
	}
	return entities, nil
}

// maxNames is how much of the entity IDs of an aggregate a refusal lists, in bytes.
const maxNames = 4000

// refuseNames lists what there is to choose from.
func refuseNames(reason Reason, expected string, entities []schema.EntityDescriptor) error {
	return &Refused{Reason: reason, Expected: expected, Received: shortenTo(names(entities), maxNames)}
}

func names(entities []schema.EntityDescriptor) string {
	var ids []string
	for _, e := range entities {
		ids = append(ids, e.EntityID)
	}
	return strings.Join(ids, " ")
}

func identityProvider(e schema.EntityDescriptor) (IDP, error) {
	idp := IDP{EntityID: e.EntityID}
	for _, d := range e.IDPSSODescriptors {
		if d.WantAuthnRequestsSigned != nil && *d.WantAuthnRequestsSigned {
			idp.WantRequestsSigned = true
		}
		for _, s := range d.SingleSignOnServices {
			if err := idp.address(s); err != nil {
				return IDP{}, err
			}
		}
		for _, k := range d.KeyDescriptors {
			if k.Use != "" && k.Use != "signing" {
				continue
			}
			for _, c := range k.KeyInfo.X509Data.X509Certificates {
				if err := idp.add(c.Data); err != nil {
					return IDP{}, err
				}
			}
		}
	}
	switch {
	case idp.SSORedirectURL == "" && idp.SSOPostURL == "":
		return IDP{}, refuse(MetadataWithoutSSO, "a SingleSignOnService by HTTP-Redirect or HTTP-POST", "")
	case len(idp.Certificates) == 0:
		return IDP{}, refuse(MetadataWithoutKey, "a KeyDescriptor for signing with an X509Certificate", "")
	}
	return idp, nil
}

// address takes the first address of each binding that can be used. A javascript: address would
// run in our own origin where a form is posted to it.
func (idp *IDP) address(s schema.Endpoint) error {
	var to *string
	switch s.Binding {
	case schema.HTTPRedirectBinding:
		to = &idp.SSORedirectURL
	case schema.HTTPPostBinding:
		to = &idp.SSOPostURL
	default:
		return nil
	}
	location := strings.TrimSpace(s.Location)
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return &Refused{Reason: MetadataBadAddress, Expected: "an https address", Received: shorten(location), Err: err}
	}
	if *to == "" {
		*to = location
	}
	return nil
}

func (idp *IDP) add(encoded string) error {
	c, err := ParseCertificate(encoded)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(idp.Certificates, func(have *x509.Certificate) bool { return have.Equal(c) }) {
		idp.Certificates = append(idp.Certificates, c)
	}
	if len(idp.Certificates) > maxCertificates {
		return refuse(MetadataWithoutKey, "fewer certificates", "")
	}
	return nil
}
