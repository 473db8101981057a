package people

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// maxValues are the most values that a user may have which filters look up:
// far beyond any person's, and well below the drivers' limits of parameters.
const maxValues = 1000

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
	Emails []documentValue `json:"emails"`
	// RFC 7643, section 4.3.
	Enterprise struct {
		EmployeeNumber string        `json:"employeeNumber"`
		Department     string        `json:"department"`
		Manager        documentValue `json:"manager"`
	} `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
}

type documentValue struct {
	Value   string `json:"value"`
	Type    string `json:"type"`
	Primary bool   `json:"primary"`
}

// readDocument is what a text says.
type readDocument struct {
	text     string
	document userDocument
}

// Parse reads the document, once for as long as it stays the same: a request asks
// several times, and each reading costs as much as a small statement.
func (u *User) Parse() (*userDocument, error) {
	if known := u.DocumentFolded.read; known != nil && known.text == u.Document {
		return &known.document, nil
	}
	r := readDocument{text: u.Document}
	if err := tenant.Decode(u.Document, &r.document); err != nil {
		return nil, err
	}
	u.DocumentFolded.read = &r
	return &r.document, nil
}

// DocumentMap returns the user's document as canonical SCIM attributes, a copy
// that may be changed and handed to SetDocument.
func (u *User) DocumentMap() (map[string]any, error) { return documentMap(u.Document) }

func documentMap(text string) (map[string]any, error) {
	d := map[string]any{}
	if text == "" {
		return d, nil
	}
	return d, tenant.DecodeExact(text, &d)
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
	text, err := encodeDocument(document, u.Document)
	if err != nil {
		return err
	}
	next := *u
	if active, ok := document["active"].(bool); ok {
		next.Active = active
	}
	if text != u.Document {
		next.Document = text
		if err := next.derive(); err != nil {
			return err
		}
	}
	*u = next
	return nil
}

// documentLimit is the most bytes of a document: what it takes to keep requests
// that each add a little to an extension from growing a row without end.
const documentLimit = 64 << 10

// encodeDocument writes a document that is to replace another. One that is too
// large may still shrink, since taking away never fails on a rule about data.
func encodeDocument(document map[string]any, replaced string) (string, error) {
	rest := make(map[string]any, len(document))
	for k, v := range document {
		if !slices.Contains(kept, k) {
			rest[k] = v
		}
	}
	text, err := tenant.Encode(rest)
	if err == nil && len(text) > documentLimit && len(text) > len(replaced) {
		return "", &model.Error{Kind: model.TooLarge, Message: fmt.Sprintf(
			"the resource's attributes take more than %d KiB; leave out what is not needed", documentLimit>>10)}
	}
	return text, err
}

// derive sets the columns that follow from the document.
func (u *User) derive() error {
	d, err := u.Parse()
	if err != nil {
		return errDocument(err)
	}
	if strings.TrimSpace(d.UserName) == "" {
		return model.Invalidf("userName", "userName is required and must not be empty")
	}
	if u.UserName != d.UserName || u.UserNameFolded == "" { // a stored row may keep an older form
		u.UserName, u.UserNameFolded = d.UserName, tenant.FoldName(d.UserName)
	}
	u.ExternalID = d.ExternalID
	u.DisplayName, u.DisplayNameFolded = d.DisplayName, model.Fold(d.DisplayName)
	u.Email = d.email()
	u.EmailFolded, u.EmailDomain = model.FoldEmail(u.Email)
	values := d.values(u.ID)
	if len(values) > maxValues {
		last := values[maxValues].Attribute.String()
		return model.Invalidf(last, "there are at most %d values of %s", maxValues, last)
	}
	errs := []error{
		checkIndexed("userName", u.UserNameFolded),
		checkIndexed("externalId", u.ExternalID),
		checkIndexed("displayName", u.DisplayNameFolded),
		checkIndexed("employeeNumber", model.Fold(d.Enterprise.EmployeeNumber)),
	}
	for _, v := range values {
		errs = append(errs, checkIndexed(v.Attribute.String(), v.ValueFolded+v.TypeFolded))
	}
	return errors.Join(errs...)
}

// checkIndexed answers Invalid for a value that an index or PostgreSQL cannot hold.
func checkIndexed(field, value string) error {
	if len(value) > tenant.MaxIndexed {
		return model.Invalidf(field, "%s is longer than %d bytes", field, tenant.MaxIndexed)
	}
	if strings.ContainsRune(value, 0) {
		return model.Invalidf(field, "%s contains the character U+0000, which cannot be stored; send it without", field)
	}
	return nil
}

// errDocument says which attribute of a document has the wrong type, in the
// document's words and not in those of this package.
func errDocument(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return &model.Error{Kind: model.Invalid, Field: wrong.Field, Err: err,
			Message: fmt.Sprintf("%s has the wrong type: a JSON %s is not expected there", wrong.Field, wrong.Value)}
	}
	return &model.Error{Kind: model.Invalid, Message: "the attributes cannot be read", Err: err}
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

// UserValue is one value of a user that filters look up by index.
type UserValue struct {
	OrganizationID model.OrganizationID  `gorm:"<-:create"`
	UserID         string                `gorm:"primaryKey"`
	Attribute      tenant.ValueAttribute `gorm:"primaryKey;autoIncrement:false"`
	Position       int                   `gorm:"primaryKey;autoIncrement:false"`
	ValueFolded    string
	TypeFolded     string
	IsPrimary      bool
}

// Values are the rows of user_values that follow from the document.
func (u *User) Values() ([]UserValue, error) {
	d, err := u.Parse()
	if err != nil {
		return nil, err
	}
	return d.values(u.ID), nil
}

func (d *userDocument) values(userID string) []UserValue {
	var out []UserValue
	add := func(a tenant.ValueAttribute, vs ...documentValue) {
		for i, v := range vs {
			if v != (documentValue{}) || a != tenant.ManagerAttribute {
				out = append(out, UserValue{UserID: userID, Attribute: a, Position: i,
					ValueFolded: model.Fold(v.Value), TypeFolded: model.Fold(v.Type), IsPrimary: v.Primary})
			}
		}
	}
	add(tenant.EmailsAttribute, d.Emails...)
	add(tenant.ManagerAttribute, d.Enterprise.Manager)
	return out
}

// FormattedName is the person's full name as the document has it, or as it can be put together.
func (d *userDocument) FormattedName() string {
	for _, name := range []string{d.DisplayName, d.Name.Formatted} {
		if name != "" {
			return name
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s", d.Name.GivenName, d.Name.FamilyName))
}

// FullName is the user's name as people write it; nil when it is not known.
func (u *User) FullName() *string {
	d, err := u.Parse()
	if err != nil {
		return nil
	}
	return model.OrNull(d.FormattedName())
}
