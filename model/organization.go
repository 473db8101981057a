package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Organization is one customer of the application: the tenant.
type Organization struct {
	ID OrganizationID `gorm:"primaryKey;<-:create"`
	OrganizationFields
	CreatedAt Time     `gorm:"autoCreateTime:false"`
	UpdatedAt Time     `gorm:"autoUpdateTime:false"`
	Domains   []Domain `gorm:"-"` // filled by reads
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
	return json.Marshal(ConnectionPrefix.ID(string(r)))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *ConnectionRef) UnmarshalJSON(text []byte) error {
	var apiID *string
	*r = ""
	if err := json.Unmarshal(text, &apiID); err != nil || apiID == nil {
		return err
	}
	id, ok := ConnectionPrefix.Parse(*apiID)
	if !ok {
		return errDefaultConnection()
	}
	*r = ConnectionRef(id)
	return nil
}

func errDefaultConnection() error {
	return Invalidf("default_connection_id", "default_connection_id is the id of a connection of this organization, or null")
}

// DefaultSettings are those of a new organization (docs/design/store.md, "Public form").
func DefaultSettings() Settings {
	return Settings{JIT: true, AllowAdminPasswords: true, SessionLifetimeSeconds: 86400, LoginResponseDays: 7}
}

var slugForm = regexp.MustCompile(`^[a-z0-9-]{3,40}$`)

// validate answers Invalid, with the field's API name, for the first rule broken.
// maxLoginResponseDays is the longest time that what was sent for a refused login may be kept.
const maxLoginResponseDays = 30

func (g *Organization) validate() error {
	if err := validName(g.Name); err != nil {
		return err
	}
	if !slugForm.MatchString(g.Slug) {
		return Invalidf("slug", "slug has 3 to 40 of the characters a-z, 0-9 and -")
	}
	if g.ExternalID != nil && (*g.ExternalID == "" || len(*g.ExternalID) > 128 || strings.IndexFunc(*g.ExternalID, func(r rune) bool { return r == 0 || r > unicode.MaxASCII }) >= 0) {
		return Invalidf("external_id", "external_id has 1 to 128 ASCII characters")
	}
	if len(g.Metadata) > 50 {
		return Invalidf("metadata", "metadata has at most 50 entries")
	}
	for k, v := range g.Metadata {
		if len(k) > 40 || len(v) > 600 {
			return Invalidf("metadata", "a metadata key has at most 40 characters, a value at most 600")
		}
	}
	if s := g.Settings.SessionLifetimeSeconds; s < 300 || s > 30*86400 {
		return Invalidf("session_lifetime_seconds", "session_lifetime_seconds is between 300 and 2592000")
	}
	if d := g.Settings.LoginResponseDays; d < 0 || d > maxLoginResponseDays {
		return Invalidf("login_response_days", "login_response_days is a whole number from 0 to %d", maxLoginResponseDays)
	}
	return g.Settings.validateIdle()
}

// slugOf makes a slug from a name: its letters and digits without accents, the rest as dashes.
func slugOf(name string) string {
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
func (o *Org) Organization(ctx context.Context) (*Organization, error) {
	var g Organization
	if err := o.one(o.read.WithContext(ctx), &g, "organization", string(o.ID)); err != nil {
		return nil, err
	}
	domains, err := o.Domains(ctx)
	g.Domains = domains
	return &g, err
}

// lockOrganization reads the organization's row and locks it, to change or to remove it.
func (o *Org) lockOrganization(ctx context.Context, strength string) (*Organization, error) {
	var g Organization
	db := o.inTurn(o.db.WithContext(ctx), string(o.ID)).Clauses(clause.Locking{Strength: strength})
	if err := o.one(db, &g, "organization", string(o.ID)); err != nil {
		return nil, err
	}
	return &g, nil
}

// UpdateOrganization lets change alter the organization under a lock and stores
// it with its event. A change that alters nothing writes nothing.
func (o *Org) UpdateOrganization(ctx context.Context, change func(*OrganizationFields) error) (*Organization, error) {
	var g *Organization
	err := o.Tx(ctx, func(org *Org) error {
		before, err := org.lockOrganization(ctx, toChange)
		if err != nil {
			return err
		}
		if before.Domains, err = org.Domains(ctx); err != nil {
			return err
		}
		after := *before
		after.Metadata = maps.Clone(before.Metadata)
		if err := change(&after.OrganizationFields); err != nil {
			return err
		}
		if after.Metadata == nil {
			after.Metadata = map[string]string{}
		}
		if err := after.validate(); err != nil {
			return err
		}
		if err := org.checkSettings(ctx, before.Settings, after.Settings); err != nil {
			return err
		}
		if g = &after; len(changed(before, g)) == 0 {
			return nil
		}
		g.UpdatedAt = org.now()
		return org.writeOrganization(ctx, before, g)
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// checkSettings refuses settings that the organization cannot go by.
func (o *Org) checkSettings(ctx context.Context, before, after Settings) error {
	if after.DefaultConnection != before.DefaultConnection {
		if err := o.checkDefaultConnection(ctx, after.DefaultConnection); err != nil {
			return err
		}
	}
	return o.checkEnforcement(ctx, before, after)
}

// writeOrganization writes what changed in an organization, with what follows for its sessions and
// passwords, and the event.
func (o *Org) writeOrganization(ctx context.Context, before, after *Organization) error {
	if after.Settings.AllowManualAssignments != before.Settings.AllowManualAssignments {
		o.ruleInputChanged()
	}
	row := o.db.WithContext(ctx).Model(&Organization{}).Where("id = ?", o.ID)
	err := row.Select(changed(before, after)).UpdateColumns(after).Error
	if err != nil {
		return organizationTaken(fmt.Errorf("update organization: %w", err))
	}
	if seconds := after.Settings.SessionIdleSeconds; seconds != before.Settings.SessionIdleSeconds {
		if err := o.setIdle(ctx, seconds); err != nil {
			return err
		}
	}
	if err := o.enforcePasswords(ctx, before.Settings, after.Settings); err != nil {
		return err
	}
	return o.record(OrganizationUpdated, OrganizationPrefix.ID(string(o.ID)), after.PublicForm())
}

// checkDefaultConnection refuses a connection that the organization does not have.
func (o *Org) checkDefaultConnection(ctx context.Context, r ConnectionRef) error {
	if r == "" {
		return nil
	}
	_, err := o.Connection(ctx, string(r))
	if KindOf(err) == NotFound {
		return errDefaultConnection()
	}
	return err
}

func organizationTaken(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return &Error{Kind: Conflict, Field: "slug", Err: err, Message: "another organization has this slug or external_id; send another one"}
	}
	return err
}

// DeleteOrganization removes the organization and everything that belongs to
// it, except its events. All access of its users ends with their rows.
func (o *Org) DeleteOrganization(ctx context.Context) error {
	return o.remove(ctx, func(org *Org, last bool) error {
		if err := org.lockPeople(ctx, "", last); err != nil {
			return err
		}
		g, err := org.lockOrganization(ctx, toRemove)
		if err != nil {
			return err
		}
		var directories []string
		err = org.db.WithContext(ctx).Model(&Directory{}).Clauses(clause.Locking{Strength: toRemove}).Order("id").Pluck("id", &directories).Error
		if err != nil {
			return fmt.Errorf("lock directories: %w", err)
		}
		// Again, for those that were created before nobody could create any more.
		if err := org.lockPeople(ctx, "", last); err != nil {
			return err
		}
		if g.Domains, err = org.Domains(ctx); err != nil {
			return err
		}
		// Children first: users and groups point at their directory without a cascade,
		// so that a directory is never deleted without a decision about its users.
		for _, rows := range []any{&User{}, &DirectoryGroup{}, &Directory{}} {
			if err := org.db.WithContext(ctx).Where("organization_id = ?", o.ID).Delete(rows).Error; err != nil {
				return fmt.Errorf("delete organization: %w", err)
			}
		}
		if err := org.db.WithContext(ctx).Where("id = ?", o.ID).Delete(&Organization{}).Error; err != nil {
			return fmt.Errorf("delete organization: %w", err)
		}
		org.committed(tokensOf(o.store).clear)
		return org.record(OrganizationDeleted, OrganizationPrefix.ID(string(o.ID)), g.PublicForm())
	})
}
