package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// Status says whether an endpoint is told of events.
type Status string

// The statuses of an endpoint, in the words of the reference.
const (
	Enabled  Status = "enabled"
	Disabled Status = "disabled"
)

// Endpoint is an address that is told of events.
type Endpoint struct {
	ID              string            `gorm:"primaryKey"`
	ApplicationID   *string           `gorm:"<-:create"` // nil for an endpoint of the operator
	URL             string            `gorm:"column:url"`
	Events          []model.EventType `gorm:"serializer:json"`
	Status          Status
	SealedSecret    []byte
	SealedOldSecret []byte      // the secret of before the rotation, while it is in use
	RotatedAt       *model.Time // of SealedOldSecret
	Failures        int64       // attempts in a row that failed
	FailingSince    *model.Time // nil with fewer than mostFailures
	ProbeAt         model.Time  // when the next delivery of a failing endpoint is tried
	DisabledReason  string      // why the server disabled it; empty when somebody did
	CreatedAt       model.Time  `gorm:"autoCreateTime:false"`
	UpdatedAt       model.Time  `gorm:"autoUpdateTime:false"`
}

// TableName is the table of endpoints.
func (*Endpoint) TableName() string { return "webhook_endpoints" }

// Secrets sign a delivery.
type Secrets struct {
	Current string
	Old     string // of before a rotation that is under way, or empty
}

const (
	// oldSecretKept is how long after a rotation the old secret is in use.
	oldSecretKept = 24 * time.Hour
	// secretMark begins a secret. Standard Webhooks decodes what follows as base64; the reference's
	// SDKs use the whole text as the key.
	secretMark = "whsec_"
	// secretBytes is the length of a secret.
	secretBytes = 32
	// mostEndpoints is how many endpoints an application or the operator may have.
	mostEndpoints = 100
)

// ErrTaken is in the chain of the Conflict for a URL that another endpoint of the application has.
var ErrTaken = errors.New("an endpoint has this URL")

// purpose names what a secret is sealed for.
func (e *Endpoint) purpose() string { return "webhook_endpoints.secret/" + e.ID }

// Secrets opens the secrets of an endpoint.
func (s Store) Secrets(e *Endpoint) (Secrets, error) {
	current, err := tenant.SealerOf(s).Open(e.SealedSecret, e.purpose())
	if err != nil {
		return Secrets{}, err
	}
	out := Secrets{Current: string(current)}
	if e.rotating(model.TimeOf(s.Now())) {
		old, err := tenant.SealerOf(s).Open(e.SealedOldSecret, e.purpose())
		if err != nil {
			return Secrets{}, err
		}
		out.Old = string(old)
	}
	return out, nil
}

// rotating tells whether the old secret is in use.
func (e *Endpoint) rotating(now model.Time) bool {
	return e.SealedOldSecret != nil && e.RotatedAt != nil && now < *e.RotatedAt+model.Time(oldSecretKept.Milliseconds())
}

// newSecret makes a secret for an endpoint.
func (s Store) newSecret(e *Endpoint) {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails
	e.SealedSecret = tenant.SealerOf(s).Seal([]byte(secretMark+base64.StdEncoding.EncodeToString(b)), e.purpose())
}

// Fields are what may be set of an endpoint.
type Fields struct {
	URL    string
	Events []model.EventType
	Status Status
}

// validate answers Invalid for the first broken rule. What the URL leads to, the caller has
// checked.
func (f *Fields) validate() error {
	u, err := url.Parse(f.URL)
	if err != nil || u.Host == "" || u.Fragment != "" || u.User != nil || len(f.URL) > 2048 || !model.Storable(f.URL) {
		return model.Invalidf("endpoint_url",
			"%.200q is not a URL such as https://app.example/webhooks, without user and fragment", f.URL)
	}
	if len(f.Events) == 0 {
		return model.Invalidf("events", "name at least one event: an endpoint without events is told nothing")
	}
	if f.Status != Enabled && f.Status != Disabled {
		return model.Invalidf("status", `status is "enabled" or "disabled"`)
	}
	slices.Sort(f.Events)
	f.Events = slices.Compact(f.Events)
	return nil
}

// within limits a query to the endpoints of an application, or to those of the operator.
func within(db *gorm.DB, scope model.Scope) *gorm.DB {
	if scope.Application() == "" {
		return db.Where("application_id IS NULL")
	}
	return db.Where("application_id = ?", scope.Application())
}

// Create adds an endpoint of the scope's application, or of the operator. It is told of what
// happens from now on. A Conflict with ErrTaken says that there is one with this URL.
func (s Store) Create(ctx context.Context, scope model.Scope, f Fields) (*Endpoint, error) {
	if f.Status == "" {
		f.Status = Enabled
	}
	if err := f.validate(); err != nil {
		return nil, err
	}
	now := model.TimeOf(s.Now())
	e := &Endpoint{ID: model.NewID(), URL: f.URL, Events: f.Events, Status: f.Status, CreatedAt: now, UpdatedAt: now}
	if id := scope.Application(); id != "" {
		e.ApplicationID = &id
	}
	s.newSecret(e)
	err := across.DB(ctx, s).Transaction(func(db *gorm.DB) error {
		var n int64
		if err := within(db.Model(&Endpoint{}), scope).Count(&n).Error; err != nil {
			return err
		}
		if n >= mostEndpoints {
			return model.Invalidf("", "there are %d webhook endpoints, and no more may be added; delete one", n)
		}
		if err := s.free(db, scope, e); err != nil {
			return err
		}
		return db.Create(e).Error
	})
	if err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("create webhook endpoint: %w", err))
	}
	return e, nil
}

// free answers a Conflict where another endpoint has the URL.
func (s Store) free(db *gorm.DB, scope model.Scope, e *Endpoint) error {
	var n int64
	err := within(db.Model(&Endpoint{}), scope).Where("url = ? AND id <> ?", e.URL, e.ID).Count(&n).Error
	if err != nil || n == 0 {
		return err
	}
	return &model.Error{Kind: model.Conflict, Field: "endpoint_url", Err: ErrTaken,
		Message: "there is a webhook endpoint with this URL; change that one, or delete it"}
}

// Endpoints lists the endpoints of a scope.
func (s Store) Endpoints(ctx context.Context, scope model.Scope, p model.Page) ([]Endpoint, model.PageInfo, error) {
	db := within(across.Read(ctx, s).Model(&Endpoint{}), scope)
	return tenant.Paged(s, db, p, func(e Endpoint) string { return e.ID })
}

// Endpoint returns one endpoint of a scope.
func (s Store) Endpoint(ctx context.Context, scope model.Scope, id string) (*Endpoint, error) {
	return s.endpoint(across.Read(ctx, s), scope, id)
}

func (s Store) endpoint(db *gorm.DB, scope model.Scope, id string) (*Endpoint, error) {
	var e Endpoint
	if model.IsID(id) {
		r := within(db, scope).Where("id = ?", id).Limit(1).Find(&e)
		if r.Error != nil {
			return nil, tenant.Translate(s, fmt.Errorf("read webhook endpoint: %w", r.Error))
		}
		if r.RowsAffected == 1 {
			return &e, nil
		}
	}
	return nil, model.NotFoundf("there is no webhook endpoint %s", EndpointPrefix.ID(id))
}

// change locks an endpoint, lets fn change it, and stores what may be changed.
func (s Store) change(ctx context.Context, scope model.Scope, id string,
	fn func(db *gorm.DB, e *Endpoint) error) (*Endpoint, error) {
	var e *Endpoint
	err := across.DB(ctx, s).Transaction(func(db *gorm.DB) (err error) {
		if e, err = s.endpoint(db.Clauses(clause.Locking{Strength: tenant.ToChange}), scope, id); err != nil {
			return err
		}
		if err := fn(db, e); err != nil {
			return err
		}
		e.UpdatedAt = model.TimeOf(s.Now())
		return db.Model(&Endpoint{}).Where("id = ?", id).Select("url", "events", "status", "sealed_secret",
			"sealed_old_secret", "rotated_at", "failures", "failing_since", "probe_at", "disabled_reason",
			"updated_at").UpdateColumns(e).Error
	})
	if err != nil {
		return nil, tenant.Translate(s, err)
	}
	return e, nil
}

// Update changes an endpoint. One that is enabled again begins without failures, and what waited is
// sent.
func (s Store) Update(ctx context.Context, scope model.Scope, id string, set func(*Fields) error) (*Endpoint, error) {
	return s.change(ctx, scope, id, func(db *gorm.DB, e *Endpoint) error {
		f := Fields{e.URL, slices.Clone(e.Events), e.Status}
		if err := set(&f); err != nil {
			return err
		}
		if err := f.validate(); err != nil {
			return err
		}
		again := f.Status == Enabled && (e.Status != Enabled || f.URL != e.URL)
		e.URL, e.Events, e.Status = f.URL, f.Events, f.Status
		if f.Status == Enabled {
			e.DisabledReason = ""
		}
		if again {
			e.Failures, e.FailingSince, e.ProbeAt = 0, nil, 0
			if err := s.hurry(db, e.ID, model.TimeOf(s.Now())); err != nil {
				return err
			}
		}
		return s.free(db, scope, e)
	})
}

// Rotate gives an endpoint a new secret. The old one is in use for a day, or until FinishRotation:
// receivers change over meanwhile. A rotation that is under way is finished first.
func (s Store) Rotate(ctx context.Context, scope model.Scope, id string) (*Endpoint, error) {
	return s.change(ctx, scope, id, func(_ *gorm.DB, e *Endpoint) error {
		now := model.TimeOf(s.Now())
		e.SealedOldSecret, e.RotatedAt = e.SealedSecret, &now
		s.newSecret(e)
		return nil
	})
}

// FinishRotation ends the use of the old secret.
func (s Store) FinishRotation(ctx context.Context, scope model.Scope, id string) (*Endpoint, error) {
	return s.change(ctx, scope, id, func(_ *gorm.DB, e *Endpoint) error {
		e.SealedOldSecret, e.RotatedAt = nil, nil
		return nil
	})
}

// Delete removes an endpoint with its deliveries.
func (s Store) Delete(ctx context.Context, scope model.Scope, id string) error {
	if _, err := s.Endpoint(ctx, scope, id); err != nil {
		return err
	}
	r := within(across.DB(ctx, s), scope).Where("id = ?", id).Delete(&Endpoint{})
	if r.Error != nil {
		return tenant.Translate(s, fmt.Errorf("delete webhook endpoint: %w", r.Error))
	}
	return nil
}
