package saml

import (
	"bytes"
	"encoding/xml"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	schema "github.com/crewjam/saml"
)

// maxCertificates is how many certificates an identity provider may have. A signature is tried with
// each.
const maxCertificates = 16

// MetadataAccept is the Accept header for fetching metadata (SAML Metadata, appendix A).
const MetadataAccept = "application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.8"

// ParseMetadata reads an identity provider's metadata (SAML Metadata §2.3): an EntityDescriptor, or
// an EntitiesDescriptor, from which entityID chooses one. An empty entityID chooses the only
// identity provider. A signature on the metadata is not verified: the trust is in the administrator
// who pastes it, or in the address that it comes from. Every error is a [*Refused].
func ParseMetadata(document []byte, entityID string, now time.Time) (IDP, error) {
	document = bytes.TrimSpace(bytes.TrimPrefix(document, []byte("\xef\xbb\xbf")))
	if err := refuseOtherFormats(document); err != nil {
		return IDP{}, err
	}
	document, err := precheck(document, metadataLimits)
	if err != nil {
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
		return IDP{}, refuseValidUntil(chosen.ValidUntil)
	}
	if chosen.EntityID == "" {
		return IDP{}, refuse(MetadataWithoutID, "an entityID", "")
	}
	return identityProvider(chosen)
}

// refuseValidUntil returns the error for metadata that is out of date.
func refuseValidUntil(end time.Time) error {
	return refuse(MetadataExpired, "a validUntil to come", end.UTC().Format(time.RFC3339))
}

// refuseOtherFormats recognizes what people paste instead of metadata. The errors of an XML parser
// about it would be hard to understand.
func refuseOtherFormats(document []byte) error {
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

// choose returns the entity of the identity provider in a document of metadata.
func choose(
	document []byte, root *etree.Element, entityID string, now time.Time,
) (schema.EntityDescriptor, error) {
	entities, err := readEntities(document, root, now)
	if err != nil {
		return schema.EntityDescriptor{}, err
	}
	providers := slices.DeleteFunc(slices.Clone(entities), func(e schema.EntityDescriptor) bool {
		return len(e.IDPSSODescriptors) == 0 || entityID != "" && e.EntityID != entityID
	})
	switch {
	case len(providers) == 1:
		return providers[0], nil
	case len(providers) > 1:
		return providers[0], refuseEntities(MetadataOfSeveral, "one identity provider", providers)
	case len(entities) == 1 && len(entities[0].SPSSODescriptors) > 0 && len(entities[0].IDPSSODescriptors) == 0:
		return entities[0], refuse(MetadataOfSP, "an IDPSSODescriptor", entities[0].EntityID)
	case entityID != "" && len(entities) > 0:
		return schema.EntityDescriptor{}, refuseEntities(MetadataWithoutChosen, entityID, entities)
	}
	return schema.EntityDescriptor{}, refuse(MetadataWithoutSSO, "an IDPSSODescriptor", entityIDs(entities))
}

// readEntities returns all entities in a document of metadata.
func readEntities(document []byte, root *etree.Element, now time.Time) ([]schema.EntityDescriptor, error) {
	unmarshal := func(v any) error {
		err := xml.Unmarshal(document, v)
		if err != nil {
			return &Refused{
				Reason: NotMetadata, Expected: "an " + root.Tag, Received: shorten(err.Error()), Err: err,
			}
		}
		return nil
	}
	switch {
	case is(root, metadataNS, "EntityDescriptor"):
		var entity schema.EntityDescriptor
		err := unmarshal(&entity)
		return []schema.EntityDescriptor{entity}, err
	case is(root, metadataNS, "EntitiesDescriptor"):
		var aggregate schema.EntitiesDescriptor
		if err := unmarshal(&aggregate); err != nil {
			return nil, err
		}
		return flatten(aggregate, now)
	}
	return nil, refuse(NotMetadata, "an EntityDescriptor", "{"+root.NamespaceURI()+"}"+root.Tag)
}

// flatten returns the entities of an aggregate and of the aggregates within it.
func flatten(group schema.EntitiesDescriptor, now time.Time) ([]schema.EntityDescriptor, error) {
	if group.ValidUntil != nil && !now.Before(*group.ValidUntil) {
		return nil, refuseValidUntil(*group.ValidUntil)
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

// maxEntityIDs is how many bytes of the entity IDs of an aggregate a refusal lists.
const maxEntityIDs = 4000

// refuseEntities returns the error for a choice among entities, with a list of them.
func refuseEntities(reason Reason, expected string, entities []schema.EntityDescriptor) error {
	return &Refused{Reason: reason, Expected: expected, Received: shortenTo(entityIDs(entities), maxEntityIDs)}
}

// entityIDs lists the IDs of entities.
func entityIDs(entities []schema.EntityDescriptor) string {
	var ids []string
	for _, e := range entities {
		ids = append(ids, e.EntityID)
	}
	return strings.Join(ids, " ")
}

// identityProvider reads the endpoints and certificates of an entity.
func identityProvider(e schema.EntityDescriptor) (IDP, error) {
	idp := IDP{EntityID: e.EntityID}
	for _, d := range e.IDPSSODescriptors {
		if d.WantAuthnRequestsSigned != nil && *d.WantAuthnRequestsSigned {
			idp.WantRequestsSigned = true
		}
		for _, s := range d.SingleSignOnServices {
			if err := idp.addSSO(s); err != nil {
				return IDP{}, err
			}
		}
		for _, s := range d.SingleLogoutServices {
			idp.SLO.add(s)
		}
		for _, k := range d.KeyDescriptors {
			if k.Use != "" && k.Use != "signing" {
				continue
			}
			for _, c := range k.KeyInfo.X509Data.X509Certificates {
				if err := idp.addCertificate(c.Data); err != nil {
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

// addSSO sets the endpoint of a binding to the first one in the metadata. It refuses an address
// that is not http or https: a javascript: address would run in our own origin when a form is
// posted to it.
func (idp *IDP) addSSO(s schema.Endpoint) error {
	var to *string
	switch s.Binding {
	case schema.HTTPRedirectBinding:
		to = &idp.SSORedirectURL
	case schema.HTTPPostBinding:
		to = &idp.SSOPostURL
	default:
		return nil
	}
	location, err := browserAddress(s.Location)
	if *to == "" {
		*to = location
	}
	return err
}

// browserAddress checks that a browser can be sent to an address in metadata.
func browserAddress(location string) (string, error) {
	location = strings.TrimSpace(location)
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" ||
		u.Host == "" || u.User != nil || u.Fragment != "" {
		return "", &Refused{
			Reason: MetadataBadAddress, Expected: "an https address", Received: shorten(location), Err: err,
		}
	}
	return location, nil
}

// addCertificate adds a certificate, unless it is there already.
func (idp *IDP) addCertificate(encoded string) error {
	c, err := ParseCertificate(encoded)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(idp.Certificates, c.Equal) {
		idp.Certificates = append(idp.Certificates, c)
	}
	if len(idp.Certificates) > maxCertificates {
		return refuse(MetadataWithoutKey, "fewer certificates", "")
	}
	return nil
}
