package organization

import (
	"context"
	"encoding/json"
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

// OrganizationFields are those of an organization that UpdateOrganization changes.
type OrganizationFields struct {
	Name                             string
	Slug                             string // unique; [a-z0-9-]{3,40}
	ExternalID                       *string
	Metadata                         map[string]string `gorm:"serializer:json"`
	Settings                         Settings          `gorm:"serializer:json"`
	AllowProfilesOutsideOrganization bool
}

// Settings are what an organization decides about itself.
type Settings struct {
	SSORequired            bool `json:"sso_required"`
	JIT                    bool `json:"jit"`
	AllowAdminPasswords    bool `json:"allow_admin_passwords"`
	SessionLifetimeSeconds int  `json:"session_lifetime_seconds"`
	LoginResponseDays      int  `json:"login_response_days"`  // what came for refused logins is kept so long; 0 is not at all
	SessionIdleSeconds     int  `json:"session_idle_seconds"` // 0: a session may be unused for as long as it lives

	// AllowManualAssignments lets a person assign licenses and groups by hand, beside what the rules grant.
	AllowManualAssignments bool `json:"allow_manual_assignments"`

	// DefaultConnection is where people are sent when several connections are active and nothing else
	// chooses one. It may have been deleted since, which counts as none.
	DefaultConnection ConnectionRef `json:"default_connection_id"`
}

// ConnectionRef is the stored id of a connection, empty for none. In JSON it is the API's id, or null.
type ConnectionRef string

// MarshalJSON writes the API's id or null.
func (r ConnectionRef) MarshalJSON() ([]byte, error) {
	if r == "" {
		return []byte("null"), nil
	}
	return json.Marshal(model.ConnectionPrefix.ID(string(r)))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *ConnectionRef) UnmarshalJSON(text []byte) error {
	var apiID *string
	*r = ""
	if err := json.Unmarshal(text, &apiID); err != nil || apiID == nil {
		return err
	}
	id, ok := model.ConnectionPrefix.Parse(*apiID)
	if !ok {
		return ErrDefaultConnection()
	}
	*r = ConnectionRef(id)
	return nil
}

func ErrDefaultConnection() error {
	return model.Invalidf("default_connection_id", "default_connection_id is the id of a connection of this organization, or null")
}

// DefaultSettings are those of a new organization (docs/design/store.md, "Public form").
func DefaultSettings() Settings {
	return Settings{JIT: true, AllowAdminPasswords: true, SessionLifetimeSeconds: 86400, LoginResponseDays: 7}
}

var SlugForm = regexp.MustCompile(`^[a-z0-9-]{3,40}$`)

// validate answers Invalid, with the field's API name, for the first rule broken.
// maxLoginResponseDays is the longest time that what was sent for a refused login may be kept.
const maxLoginResponseDays = 30

func (g *Organization) Validate() error {
	if err := model.ValidName(g.Name); err != nil {
		return err
	}
	if !SlugForm.MatchString(g.Slug) {
		return model.Invalidf("slug", "slug has 3 to 40 of the characters a-z, 0-9 and -")
	}
	if g.ExternalID != nil && (*g.ExternalID == "" || len(*g.ExternalID) > 128 || strings.IndexFunc(*g.ExternalID, func(r rune) bool { return r == 0 || r > unicode.MaxASCII }) >= 0) {
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
	if s := g.Settings.SessionLifetimeSeconds; s < 300 || s > 30*86400 {
		return model.Invalidf("session_lifetime_seconds", "session_lifetime_seconds is between 300 and 2592000")
	}
	if d := g.Settings.LoginResponseDays; d < 0 || d > maxLoginResponseDays {
		return model.Invalidf("login_response_days", "login_response_days is a whole number from 0 to %d", maxLoginResponseDays)
	}
	return g.Settings.validateIdle()
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
	if err := tenant.ByID(o, tenant.Read(o).WithContext(ctx), &g, "organization", string(o.ID)); err != nil {
		return nil, err
	}
	domains, err := o.Domains(ctx)
	g.Domains = domains
	return &g, err
}

// LockOrganization reads the organization's row and locks it, to change or to remove it.
func (o Org) LockOrganization(ctx context.Context, strength string) (*Organization, error) {
	var g Organization
	db := tenant.InTurn(o, tenant.DB(o).WithContext(ctx), string(o.ID)).Clauses(clause.Locking{Strength: strength})
	if err := tenant.ByID(o, db, &g, "organization", string(o.ID)); err != nil {
		return nil, err
	}
	return &g, nil
}

func OrganizationTaken(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return &model.Error{Kind: model.Conflict, Field: "slug", Err: err, Message: "another organization has this slug or external_id; send another one"}
	}
	return err
}
