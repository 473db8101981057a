package organization

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// Organization is one customer of the application: the tenant.
type Organization struct {
	ID model.OrganizationID `gorm:"primaryKey;<-:create"`
	OrganizationFields
	CreatedAt model.Time `gorm:"autoCreateTime:false"`
	UpdatedAt model.Time `gorm:"autoUpdateTime:false"`
	Domains   []Domain   `gorm:"-"` // filled by reads
}

// OrganizationFields are the fields of an organization that an update changes.
type OrganizationFields struct {
	Name                             string
	Slug                             string            // unique; see SlugForm
	ExternalID                       *string           // as ExternalIDOf stores it
	Metadata                         map[string]string `gorm:"serializer:json"`
	Settings                         Settings          `gorm:"serializer:json"`
	AllowProfilesOutsideOrganization bool
}

// SlugForm is the form of a slug.
var SlugForm = regexp.MustCompile(`^[a-z0-9-]{3,40}$`)

// Validate answers Invalid, with the field's API name, for the first broken rule.
func (g *Organization) Validate() error {
	if err := model.ValidName(g.Name); err != nil {
		return err
	}
	if !SlugForm.MatchString(g.Slug) {
		return model.Invalidf("slug", "slug has 3 to 40 of the characters a-z, 0-9 and -")
	}
	if id := g.PublicExternalID(); id != nil && !validExternalID(*id) {
		return model.Invalidf("external_id", "external_id has 1 to 128 ASCII characters")
	}
	if len(g.Metadata) > 50 {
		return model.Invalidf("metadata", "metadata has at most 50 entries")
	}
	for k, v := range g.Metadata {
		if len(k) > 40 || len(v) > 600 {
			return model.Invalidf("metadata", "a metadata key has at most 40 characters, a value at most 600")
		}
	}
	return g.Settings.validate()
}

func validExternalID(id string) bool {
	unfit := func(r rune) bool { return r == 0 || r > unicode.MaxASCII }
	return id != "" && len(id) <= 128 && strings.IndexFunc(id, unfit) < 0
}

// SlugOf makes a slug from a name: its letters and digits without accents, the rest as dashes.
func SlugOf(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() == 32 {
			break
		}
	}
	slug := strings.Trim(b.String(), "-")
	if len(slug) < 3 {
		slug = strings.Trim("org-"+slug, "-")
	}
	return slug
}

// Organization returns the organization itself, with its domains.
func (o Org) Organization(ctx context.Context) (*Organization, error) {
	var g Organization
	if err := tenant.ByID(o, tenant.Read(ctx, o), &g, "organization", string(o.ID)); err != nil {
		return nil, err
	}
	domains, err := o.Domains(ctx)
	g.Domains = domains
	return &g, err
}

// LockOrganization reads the organization's row, without its domains, and locks it with the
// strength of a locking clause of SQL.
func (o Inner) LockOrganization(ctx context.Context, strength string) (*Organization, error) {
	var g Organization
	db := tenant.InTurn(o, tenant.DB(ctx, o), string(o.ID)).Clauses(clause.Locking{Strength: strength})
	if err := tenant.ByID(o, db, &g, "organization", string(o.ID)); err != nil {
		return nil, err
	}
	return &g, nil
}

// OrganizationTaken turns the error of a unique index into the Conflict that the caller sees. Other
// errors stay as they are.
func OrganizationTaken(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return &model.Error{Kind: model.Conflict, Field: "slug", Err: err,
			Message: "another organization has this slug or external_id; send another one"}
	}
	return err
}
