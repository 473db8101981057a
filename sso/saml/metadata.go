package saml

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// maxCertificates is how many certificates an identity provider may have. A signature is tried with
// each.
const maxCertificates = 16

// MetadataAccept is the Accept header for fetching metadata (SAML Metadata, appendix A).
const MetadataAccept = "application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.8"

// LeftOut is a part of an identity provider's metadata that is of no use: an administrator should
// know, but the other parts are used.
type LeftOut struct {
	Part    string // which part it is, such as "Signing certificate 3"
	Refused *Refused
}

// ParseMetadata reads an identity provider's metadata (SAML Metadata §2.3): an EntityDescriptor, or
// an EntitiesDescriptor, from which entityID chooses one. An empty entityID chooses the only
// identity provider. A signature on the metadata is not verified: the trust is in the administrator
// who pastes it, or in the address that it comes from. What is of no use in it is left out, see
// [IDP.LeftOut]; it is an error only if nothing is left. Every error is a [*Refused].
//
// document has the bytes of a file, in UTF-8, UTF-16 or an encoding of one byte that its XML
// declaration names.
func ParseMetadata(document []byte, entityID string, now time.Time) (IDP, error) {
	text, err := metadataText(document)
	if err != nil {
		return IDP{}, err
	}
	return ParseMetadataText(text, entityID, now)
}

// ParseMetadataText is ParseMetadata for metadata that was pasted. What carries a text decides its
// encoding, and the XML declaration in it does not count (RFC 7303 §3.2).
func ParseMetadataText(text, entityID string, now time.Time) (IDP, error) {
	document := withoutDeclaration(text)
	if err := refuseOtherFormats(document); err != nil {
		return IDP{}, err
	}
	root, err := read([]byte(document), metadataLimits)
	if err != nil {
		return IDP{}, err
	}
	chosen, err := choose(root, strings.TrimSpace(entityID), now)
	if err != nil {
		return IDP{}, err
	}
	if chosen.id == "" {
		return IDP{}, refuse(MetadataWithoutID, "an entityID", "")
	}
	return readProvider(chosen, now)
}

// refuseOtherFormats recognizes what people paste instead of metadata. The errors of an XML parser
// about it would be hard to understand.
func refuseOtherFormats(document string) error {
	begin := strings.ToLower(document[:min(len(document), 512)])
	switch {
	case document == "":
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

// entity is an EntityDescriptor.
type entity struct {
	el    *etree.Element
	id    string
	ended string // the validUntil that is past, of its own or of a group around it; mostly empty
}

// roles returns the roles of that name.
func (e entity) roles(tag string) []*etree.Element { return children(e.el, metadataNS, tag) }

// choose returns the entity of the identity provider in a document of metadata.
func choose(root *etree.Element, entityID string, now time.Time) (entity, error) {
	entities, err := readEntities(root, now)
	if err != nil {
		return entity{}, err
	}
	providers := slices.DeleteFunc(slices.Clone(entities), func(e entity) bool {
		return len(e.roles("IDPSSODescriptor")) == 0 || entityID != "" && e.id != entityID
	})
	current := slices.DeleteFunc(slices.Clone(providers), func(e entity) bool { return e.ended != "" })
	switch {
	case len(current) == 1:
		return current[0], nil
	case len(current) > 1:
		return current[0], refuseEntities(MetadataOfSeveral, "one identity provider", current)
	case len(providers) > 0:
		return providers[0], refuse(MetadataExpired, "a validUntil to come", providers[0].ended)
	case len(entities) == 1 && len(entities[0].roles("SPSSODescriptor")) > 0 &&
		len(entities[0].roles("IDPSSODescriptor")) == 0:
		return entities[0], refuse(MetadataOfSP, "an IDPSSODescriptor", entities[0].id)
	case entityID != "" && len(entities) > 0:
		return entity{}, refuseEntities(MetadataWithoutChosen, entityID, entities)
	}
	if ended, past := ended(root, now); past {
		return entity{}, refuse(MetadataExpired, "a validUntil to come", ended)
	}
	return entity{}, refuse(MetadataWithoutSSO, "an IDPSSODescriptor", entityIDs(entities))
}

// readEntities returns all entities in a document of metadata.
func readEntities(root *etree.Element, now time.Time) ([]entity, error) {
	if !is(root, metadataNS, "EntityDescriptor") && !is(root, metadataNS, "EntitiesDescriptor") {
		return nil, refuse(NotMetadata, "an EntityDescriptor", "{"+root.NamespaceURI()+"}"+root.Tag)
	}
	var found []entity
	var walk func(el *etree.Element, around string)
	walk = func(el *etree.Element, around string) {
		if own, past := ended(el, now); past {
			around = own
		}
		if is(el, metadataNS, "EntityDescriptor") {
			id, _ := attribute(el, "entityID")
			found = append(found, entity{el, strings.TrimSpace(id), around})
			return
		}
		for _, child := range el.ChildElements() {
			if is(child, metadataNS, "EntityDescriptor") || is(child, metadataNS, "EntitiesDescriptor") {
				walk(child, around)
			}
		}
	}
	walk(root, "")
	return found, nil
}

// ended returns the validUntil of an element, and whether it is past (SAML Metadata §2.3.2 and
// §2.4.1). One that is no time does not count.
func ended(el *etree.Element, now time.Time) (until string, past bool) {
	until, _ = attribute(el, "validUntil")
	t, ok := dateTime(until)
	return strings.TrimSpace(until), ok && !now.Before(t)
}

// dateTime reads an xs:dateTime. Without a time zone it is in UTC (SAML Core §1.3.3).
func dateTime(value string) (time.Time, bool) {
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, strings.TrimSpace(value)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// maxEntityIDs is how many bytes of the entity IDs of an aggregate a refusal lists.
const maxEntityIDs = 4000

// refuseEntities returns the error for a choice among entities, with a list of them.
func refuseEntities(reason Reason, expected string, entities []entity) error {
	return &Refused{Reason: reason, Expected: expected, Received: shortenTo(entityIDs(entities), maxEntityIDs)}
}

// entityIDs lists the IDs of entities.
func entityIDs(entities []entity) string {
	var ids []string
	for _, e := range entities {
		ids = append(ids, e.id)
	}
	return strings.Join(ids, " ")
}

// leaveOut notes that a part is of no use, with the error about it.
func (idp *IDP) leaveOut(err error, part string, about ...any) {
	r, ok := err.(*Refused)
	if !ok {
		r = &Refused{Reason: NotMetadata, Err: err}
	}
	idp.LeftOut = append(idp.LeftOut, LeftOut{fmt.Sprintf(part, about...), r})
}
