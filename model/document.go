package model

import (
	"fmt"
	"slices"
	"strings"
)

// enterpriseUser is the URN under which a document keeps the manager (RFC 7643, section 4.3).
const enterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// indexed is the most bytes that a value may have which an index must hold.
const indexed = 1024

// userDocument is what this package reads from a user's document.
type userDocument struct {
	UserName    string `json:"userName"`
	ExternalID  string `json:"externalId"`
	DisplayName string `json:"displayName"`
	Title       string `json:"title"`
	Name        struct {
		Formatted  string `json:"formatted"`
		GivenName  string `json:"givenName"`
		FamilyName string `json:"familyName"`
	} `json:"name"`
	Emails       []documentValue `json:"emails"`
	PhoneNumbers []documentValue `json:"phoneNumbers"`
	Enterprise   struct {
		Department string        `json:"department"`
		Manager    documentValue `json:"manager"`
	} `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
}

type documentValue struct {
	Value   string `json:"value"`
	Type    string `json:"type"`
	Primary bool   `json:"primary"`
}

func (u *User) parse() (userDocument, error) {
	var d userDocument
	return d, decode(u.Document, &d)
}

// DocumentMap returns the user's document as canonical SCIM attributes, a copy
// that may be changed and handed to SetDocument.
func (u *User) DocumentMap() (map[string]any, error) { return documentMap(u.Document) }

func documentMap(text string) (map[string]any, error) {
	d := map[string]any{}
	if text == "" {
		return d, nil
	}
	return d, decodeExact(text, &d)
}

// kept are the attributes that a document never holds: the server's own, those
// with a column of their own, and the password, which is dropped unread.
var kept = []string{"id", "meta", "schemas", "groups", "active", "password"}

// SetDocument replaces the user's document and what follows from it. The
// document has SCIM's canonical attribute names and JSON types; an attribute
// that is absent is unassigned. "active" sets Active; without it Active stays.
// It answers Invalid, with the attribute's name, for a missing userName and for
// values too long to be looked up.
func (u *User) SetDocument(document map[string]any) error {
	if active, ok := document["active"].(bool); ok {
		u.Active = active
	}
	text, err := encodeDocument(document)
	if err != nil {
		return err
	}
	if text == u.Document {
		return nil
	}
	next := *u
	next.Document = text
	if err := next.derive(); err != nil {
		return err
	}
	*u = next
	return nil
}

func encodeDocument(document map[string]any) (string, error) {
	rest := make(map[string]any, len(document))
	for k, v := range document {
		if !slices.Contains(kept, k) {
			rest[k] = v
		}
	}
	return encode(rest)
}

// derive sets the columns that follow from the document.
func (u *User) derive() error {
	d, err := u.parse()
	if err != nil {
		return Invalidf("", "the user's attributes have the wrong types: %v", err)
	}
	if strings.TrimSpace(d.UserName) == "" {
		return Invalidf("userName", "userName is required and must not be empty")
	}
	u.UserName, u.UserNameFolded = d.UserName, Fold(d.UserName)
	u.ExternalID = d.ExternalID
	u.DisplayName, u.DisplayNameFolded = d.DisplayName, Fold(d.DisplayName)
	u.Email = d.email()
	u.EmailFolded, u.EmailDomain = foldEmail(u.Email)
	if err := errTooLong("userName", u.UserNameFolded); err != nil {
		return err
	}
	if err := errTooLong("externalId", u.ExternalID); err != nil {
		return err
	}
	if err := errTooLong("displayName", u.DisplayNameFolded); err != nil {
		return err
	}
	values, err := u.values()
	if err != nil {
		return err
	}
	for _, v := range values {
		if err := errTooLong(v.Attribute.String(), v.ValueFolded+v.TypeFolded); err != nil {
			return err
		}
	}
	return nil
}

func errTooLong(field, value string) error {
	if len(value) > indexed {
		return Invalidf(field, "%s is longer than %d bytes", field, indexed)
	}
	return nil
}

// email is the address that the person is known by: the primary one, else the
// one of type work, else the first; a userName that is an address when there is none.
func (d *userDocument) email() string {
	for _, is := range []func(documentValue) bool{
		func(v documentValue) bool { return v.Primary },
		func(v documentValue) bool { return strings.EqualFold(v.Type, "work") },
		func(documentValue) bool { return true },
	} {
		for _, e := range d.Emails {
			if e.Value != "" && is(e) {
				return e.Value
			}
		}
	}
	if strings.Contains(d.UserName, "@") {
		return d.UserName
	}
	return ""
}

// valueAttribute says which multi-valued attribute a row of user_values is of.
type valueAttribute int64

const (
	emailsAttribute  valueAttribute = 1
	phonesAttribute  valueAttribute = 2
	managerAttribute valueAttribute = 3
)

// String is the attribute's SCIM name.
func (a valueAttribute) String() string {
	return [...]string{emailsAttribute: "emails", phonesAttribute: "phoneNumbers", managerAttribute: "manager"}[a]
}

// userValue is one value of a user that filters look up by index.
type userValue struct {
	OrganizationID OrganizationID `gorm:"<-:create"`
	UserID         string         `gorm:"primaryKey"`
	Attribute      valueAttribute `gorm:"primaryKey;autoIncrement:false"`
	Position       int            `gorm:"primaryKey;autoIncrement:false"`
	ValueFolded    string
	TypeFolded     string
	IsPrimary      bool
}

// values are the rows of user_values that follow from the document.
func (u *User) values() ([]userValue, error) {
	d, err := u.parse()
	if err != nil {
		return nil, err
	}
	var out []userValue
	add := func(a valueAttribute, vs ...documentValue) {
		for i, v := range vs {
			if v.Value != "" || v.Type != "" {
				out = append(out, userValue{UserID: u.ID, Attribute: a, Position: i,
					ValueFolded: Fold(v.Value), TypeFolded: Fold(v.Type), IsPrimary: v.Primary})
			}
		}
	}
	add(emailsAttribute, d.Emails...)
	add(phonesAttribute, d.PhoneNumbers...)
	add(managerAttribute, d.Enterprise.Manager)
	return out, nil
}

// formattedName is the person's full name as the document has it, or as it can be put together.
func (d *userDocument) formattedName() string {
	for _, name := range []string{d.DisplayName, d.Name.Formatted} {
		if name != "" {
			return name
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s", d.Name.GivenName, d.Name.FamilyName))
}
