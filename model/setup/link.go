package setup

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall/model"
)

// Scope is one thing that a link lets its holder do.
type Scope string

// The scopes of a link.
const (
	ScopeDomains     Scope = "domains"     // add and prove e-mail domains
	ScopeSSO         Scope = "sso"         // describe the identity provider and test it
	ScopeDirectory   Scope = "directory"   // make a directory and see what it receives
	ScopeGroups      Scope = "groups"      // map groups
	ScopeEnforce     Scope = "enforce"     // turn the connection on, and require it
	ScopeCertificate Scope = "certificate" // add certificates that the metadata address serves
	ScopeToken       Scope = "token"       // make and revoke tokens of the directory
)

// Scopes are all scopes, in the order in which they are listed.
var Scopes = []Scope{ScopeDomains, ScopeSSO, ScopeDirectory, ScopeGroups, ScopeEnforce, ScopeCertificate, ScopeToken}

// LinkPrefix is the prefix of the API ids of links.
const LinkPrefix model.Prefix = "setup"

// Link is a set-up link. Only the hash of its token is stored.
type Link struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ParentID       *string              // the link whose step this one is for; nil for most
	TokenHash      []byte
	CreatedBy      model.Actor
	LinkFields
	CreatedAt  model.Time  `gorm:"autoCreateTime:false"`
	ExpiredAt  *model.Time // when the end was recorded
	RevokedAt  *model.Time
	FinishedAt *model.Time
	Visits     []Visit `gorm:"-"` // newest first; Links fills them
}

// LinkFields are what the maker of a link chooses.
type LinkFields struct {
	Scopes     []Scope `gorm:"serializer:json"`
	Note       string  // for whom the link is; the visitors do not see it
	ReturnURL  string  // shown as a link back to the application; often empty
	SuccessURL string  // shown as a link at the end; often empty
	ExpiresAt  model.Time
}

// TableName is the table of Link.
func (Link) TableName() string { return "setup_links" }

const (
	// LinkTime is how long a link is good for unless its maker says otherwise.
	LinkTime    = 14 * 24 * time.Hour
	maxLinkTime = 90 * 24 * time.Hour
	childTime   = 7 * 24 * time.Hour
	maxNote     = 500 // characters
)

// LinkState says whether a link can be used.
type LinkState string

// The states of a link. Only an open one can be used.
const (
	LinkOpen     LinkState = "open"
	LinkExpired  LinkState = "expired"
	LinkRevoked  LinkState = "revoked"
	LinkFinished LinkState = "finished" // its visitor said that all is done
)

// State returns the state of the link at a time.
func (l *Link) State(now model.Time) LinkState {
	switch {
	case l.RevokedAt != nil:
		return LinkRevoked
	case l.FinishedAt != nil:
		return LinkFinished
	case l.ExpiresAt <= now:
		return LinkExpired
	}
	return LinkOpen
}

// Actor is the link as the actor of events.
func (l *Link) Actor() model.Actor {
	return model.Actor("setup_link:" + LinkPrefix.ID(l.ID))
}

// validate answers Invalid, with the field's name in the API, for the first broken rule. It puts
// the scopes into the order of Scopes.
func (f *LinkFields) validate(now model.Time) error {
	if len(f.Scopes) == 0 {
		return model.Invalidf("scopes", "scopes is required: one or more of %s", scopeNames())
	}
	for _, s := range f.Scopes {
		if !slices.Contains(Scopes, s) {
			return model.Invalidf("scopes", "scopes are of %s, and not %.100q", scopeNames(), string(s))
		}
	}
	f.Scopes = slices.DeleteFunc(slices.Clone(Scopes), func(s Scope) bool { return !slices.Contains(f.Scopes, s) })
	switch {
	case f.ExpiresAt <= now:
		return model.Invalidf("expires_at", "expires_at is in the past")
	case f.ExpiresAt > *now.Later(maxLinkTime):
		return model.Invalidf("expires_at", "expires_at is at most 90 days from now")
	case utf8.RuneCountInString(f.Note) > maxNote || !model.Storable(f.Note):
		return model.Invalidf("note", "note is text of at most %d characters", maxNote)
	}
	for _, u := range []struct{ field, url string }{{"return_url", f.ReturnURL}, {"success_url", f.SuccessURL}} {
		if u.url != "" {
			if err := model.ValidURI(u.field, u.url); err != nil {
				return err
			}
		}
	}
	return nil
}

func scopeNames() string {
	var names []string
	for _, s := range Scopes {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// LinkObject is the public form of a Link. URL holds the token, and is only in the answer that
// makes the link.
type LinkObject struct {
	Object         string      `json:"object"`
	ID             string      `json:"id"`
	OrganizationID string      `json:"organization_id"`
	ParentID       *string     `json:"parent_id"`
	URL            string      `json:"url,omitempty"`
	Scopes         []Scope     `json:"scopes"`
	State          LinkState   `json:"state"`
	Note           string      `json:"note"`
	ReturnURL      *string     `json:"return_url"`
	CreatedBy      model.Actor `json:"created_by"`
	CreatedAt      model.Time  `json:"created_at"`
	ExpiresAt      model.Time  `json:"expires_at"`
	RevokedAt      *model.Time `json:"revoked_at"`
	FinishedAt     *model.Time `json:"finished_at"`
}

// LinkDetail is the public form of a Link with its visits.
type LinkDetail struct {
	LinkObject
	Visits []VisitObject `json:"visits"`
}

// DetailedForm returns the object that the API lists at a time.
func (l *Link) DetailedForm(now model.Time) LinkDetail {
	d := LinkDetail{l.PublicForm(now), []VisitObject{}}
	for i := range l.Visits {
		d.Visits = append(d.Visits, l.Visits[i].PublicForm())
	}
	return d
}

// PublicForm returns the object that the API and events show at a time.
func (l *Link) PublicForm(now model.Time) LinkObject {
	o := LinkObject{
		Object: "setup_link", ID: LinkPrefix.ID(l.ID), Scopes: l.Scopes, State: l.State(now), Note: l.Note,
		OrganizationID: model.OrganizationPrefix.ID(string(l.OrganizationID)),
		ReturnURL:      model.OrNull(l.ReturnURL), CreatedBy: l.CreatedBy, CreatedAt: l.CreatedAt,
		ExpiresAt: l.ExpiresAt, RevokedAt: l.RevokedAt, FinishedAt: l.FinishedAt,
	}
	if l.ParentID != nil {
		o.ParentID = LinkPrefix.OrNull(*l.ParentID)
	}
	return o
}

// The events of set-up links and of the steps that are done with them.
const (
	LinkCreated   model.EventType = "setup_link.created"
	LinkRedeemed  model.EventType = "setup_link.redeemed"
	LinkWithdrawn model.EventType = "setup_link.revoked"
	LinkEnded     model.EventType = "setup_link.expired"
	StepCompleted model.EventType = "setup.step_completed"
)
