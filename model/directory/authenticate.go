package directory

import (
	"context"
	"errors"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// Access is the directory that a bearer token opens, with the token.
type Access struct {
	Directory Directory
	Token     DirectoryToken
	Schemas   []Schema // of the organization; shared, so never changed

	expires *model.Time // of the token, or of the access token; nil: never
}

// Authenticate returns the directory that a bearer token or an access token opens. It answers
// Denied for a token that is unknown, revoked or expired, and does not say which. A result is
// cached for a second, so that another replica may have deleted the token meanwhile: what the
// request does goes by Access.Contents, which finds out. The first valid token links the directory.
func (s Store) Authenticate(ctx context.Context, token string) (*Access, error) {
	hash := tenant.HashToken(token)
	e, generation, ok := s.tokens().find(hash, s.Now())
	if !ok {
		read := s.Now()
		t, expires, err := s.presented(ctx, token)
		if err != nil {
			return nil, err
		}
		e = tokenEntry{read: read}
		org := In(s.Org(t.OrganizationID, model.System))
		d, err := org.Directory(ctx, t.DirectoryID)
		if model.KindOf(err) == model.NotFound { // deleted since the token was read
			return nil, errToken()
		}
		if err != nil {
			return nil, err
		}
		schemas, err := org.Schemas(ctx)
		if err != nil {
			return nil, err
		}
		e.access = Access{Directory: *d, Token: *t, Schemas: schemas, expires: expires}
		if e.live(s.Now()) {
			s.seen(ctx, &e.access.Directory, t)
		}
		s.tokens().add(hash, e, generation)
	}
	if !e.live(s.Now()) {
		return nil, errToken()
	}
	a := e.access
	return &a, nil
}

// presented returns the directory token of a bearer token or of an access token, and when it
// expires; nil means never.
func (s Store) presented(ctx context.Context, token string) (*DirectoryToken, *model.Time, error) {
	if id, until, ok := s.credentialsOf(token); ok {
		t, err := s.directoryToken(ctx, "id = ? AND type = ?", id, ClientCredentials)
		if err == nil && t.ExpiresAt != nil {
			until = min(until, *t.ExpiresAt)
		}
		return t, &until, err
	}
	t, err := s.directoryToken(ctx, "hash = ? AND type = ?", tenant.HashToken(token), BearerToken)
	if err != nil {
		return nil, nil, err
	}
	return t, t.ExpiresAt, nil
}

// directoryToken reads the directory token that meets a condition, which at most one does.
func (s Store) directoryToken(ctx context.Context, condition string, values ...any) (*DirectoryToken, error) {
	var t DirectoryToken
	r := across.Read(ctx, s).Where(condition, values...).Limit(1).Find(&t)
	if r.Error != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read token: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return nil, errToken()
	}
	return &t, nil
}

// TokenField is the Field of the error about a token that opens nothing.
const TokenField = "token"

// errToken is the one answer to every token that opens nothing.
func errToken() error {
	return &model.Error{Kind: model.Denied, Field: TokenField,
		Message: "the bearer token is missing, unknown, revoked or expired"}
}

// seen records that the identity provider has reached the directory. An error is only logged: a
// database that takes no writes can still answer reads.
func (s Store) seen(ctx context.Context, d *Directory, t *DirectoryToken) {
	org := In(s.Org(d.OrganizationID, d.Actor()))
	err := org.noteUse(ctx, t)
	if d.State == DirectoryValidating {
		activated := org.activateDirectory(ctx, d.ID)
		if activated == nil {
			d.State = DirectoryLinked
		}
		err = errors.Join(err, activated)
	}
	if err != nil {
		tenant.Log(s).WarnContext(ctx, "directory's use not noted", "directory", d.ID, "error", err)
	}
}
