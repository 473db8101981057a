package signon

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// trace is what a token says about itself, sealed. The rows of a user that is deleted go with the
// user, and so do the rows of tokens: without a trace nobody could tell why such a token ended.
type trace struct {
	organization, user, session string
	application                 string // empty for the token of a browser
	at                          model.Time
}

// tracePurpose is the purpose for which the trace of a token is sealed. It names the hash of the
// secret, so that no trace fits another token.
func tracePurpose(secret string) string {
	return "tokens/" + base64.RawURLEncoding.EncodeToString(tenant.HashToken(secret)) + "/trace"
}

// traceMark stands between the secret of a token and its trace.
const traceMark = "."

// newTracedToken makes a token with a trace, and its hash.
func newTracedToken(h tenant.Base, prefix string, t trace) (token string, hash []byte, err error) {
	secret, _, _ := tenant.NewToken(prefix)
	var text []byte
	for _, id := range []string{t.organization, t.user, t.session, t.application} {
		var u uuid.UUID
		if id != "" {
			if u, err = uuid.Parse(id); err != nil {
				return "", nil, fmt.Errorf("trace token: %w", err)
			}
		}
		text = append(text, u[:]...)
	}
	text = fmt.Appendf(text, "%d", int64(t.at))
	sealed := tenant.SealerOf(h).Seal(text, tracePurpose(secret))
	token = secret + traceMark + base64.RawURLEncoding.EncodeToString(sealed)
	return token, tenant.HashToken(token), nil
}

// openTrace returns the trace of a token. There is none in a token that this server did not make.
func openTrace(h tenant.Base, token string) (t trace, ok bool) {
	secret, text, _ := strings.Cut(token, traceMark)
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(sealed) == 0 {
		return t, false
	}
	opened, err := tenant.SealerOf(h).Open(sealed, tracePurpose(secret))
	if err != nil || len(opened) < 4*len(uuid.UUID{}) {
		return t, false
	}
	for _, id := range []*string{&t.organization, &t.user, &t.session, &t.application} {
		u := uuid.UUID(opened[:len(uuid.UUID{})])
		if opened = opened[len(u):]; u != uuid.Nil {
			*id = u.String()
		}
	}
	_, err = fmt.Sscan(string(opened), &t.at)
	return t, err == nil
}

// Ending says why a token opens nothing any more.
type Ending struct {
	Reason string // a people.EndingReason, or one of those below
	Event  string // the id of the event; empty where there is none
}

// The reasons for which a token ends without user.access_ended.
const (
	EndedSignedOut = "signed_out" // the session was signed out, or replaced by another
	EndedExpired   = "expired"    // the session has lasted as long as sessions do
	EndedIdle      = "idle"       // the session was unused for too long
	EndedWithdrawn = "withdrawn"  // the application may not have the person's profile
)

// EndingOf says why a token of a browser or of an application has ended. It returns nil for a token
// that never was, and to an application that does not serve the organization any more.
func (s Store) EndingOf(ctx context.Context, token string) (*Ending, error) {
	t, ok := openTrace(s, token)
	if !ok {
		return nil, nil
	}
	if t.application != "" {
		serves, err := s.serves(ctx, t.application, model.OrganizationID(t.organization))
		if err != nil || !serves {
			return nil, err
		}
	}
	return In(s.Org(model.OrganizationID(t.organization), model.System)).endingOf(ctx, t)
}

// serves returns whether an application serves an organization.
func (s Store) serves(ctx context.Context, application string, id model.OrganizationID) (bool, error) {
	a, err := organization.Across(s).Application(ctx, application)
	if model.KindOf(err) == model.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return organization.Across(s).Reaches(ctx, a.Scope(), id)
}

func (o Org) endingOf(ctx context.Context, t trace) (*Ending, error) {
	var events []model.Event
	err := tenant.Read(ctx, o).Where("type = ? AND subject = ? AND created_at >= ?", people.UserAccessEnded,
		model.UserPrefix.ID(t.user), t.at).Order("id").Limit(1).Find(&events).Error
	var sessions []people.Session
	if err == nil {
		err = tenant.Read(ctx, o).Where("id = ?", t.session).Limit(1).Find(&sessions).Error
	}
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read why access ended: %w", err))
	}
	first := model.TimeOf(tenant.StoreOf(o).Now()) + 1
	if len(events) > 0 {
		first = events[0].CreatedAt
	}
	own := ownEnding(sessions, first)
	switch {
	case own != "":
		return &Ending{Reason: own}, nil
	case len(events) == 0 && len(sessions) == 0:
		return &Ending{Reason: EndedExpired}, nil // it was swept
	case len(events) == 0:
		return &Ending{Reason: EndedWithdrawn}, nil
	}
	var ended struct {
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal([]byte(events[0].Data), &ended); err != nil {
		return nil, fmt.Errorf("read event %s: %w", events[0].ID, err)
	}
	return &Ending{Reason: ended.Reason, Event: model.EventPrefix.ID(events[0].ID)}, nil
}

// ownEnding returns why a session ended before a time, or nothing where it had not.
func ownEnding(sessions []people.Session, before model.Time) string {
	switch {
	case len(sessions) == 0:
		return ""
	case sessions[0].EndedAt != nil && *sessions[0].EndedAt < before:
		return EndedSignedOut
	case sessions[0].ExpiresAt <= before:
		return EndedExpired
	case sessions[0].IdleUntil != nil && *sessions[0].IdleUntil <= before:
		return EndedIdle
	}
	return ""
}
