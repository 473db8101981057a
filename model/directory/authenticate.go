package directory

import (
	"context"
	"errors"
	"time"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// Access is what a bearer token opens, and which token that is.
type Access struct {
	Directory Directory
	Token     DirectoryToken
	Schemas   []Schema // that the organization declares; not to be changed
}

// Authenticate returns what a bearer token opens, or an access token that its
// client credentials bought. It answers Denied for a token that is unknown,
// revoked or expired, without telling which. What it finds is remembered for a
// second; revoking forgets it in this process at once. The first token that is
// seen links the directory.
func (s Store) Authenticate(ctx context.Context, token string) (*Access, error) {
	hash := tenant.HashToken(token)
	e, generation, ok := TokensOf(s).find(hash, s.Now())
	if !ok {
		read := s.Now()
		t, expires, err := s.presented(ctx, token)
		if err != nil {
			return nil, err
		}
		e = tokenEntry{expires: expires, read: read}
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
		e.access = Access{Directory: *d, Token: *t, Schemas: schemas}
		if e.live(s.Now()) {
			s.seen(ctx, &e.access.Directory, t)
		}
		TokensOf(s).add(hash, e, generation)
	}
	if !e.live(s.Now()) {
		return nil, errToken()
	}
	a := e.access
	return &a, nil
}

func errToken() error {
	return model.Deniedf("the bearer token is missing, unknown, revoked or expired")
}

func (e tokenEntry) live(now time.Time) bool {
	return e.expires == nil || *e.expires > model.TimeOf(now)
}

// seen notes that the identity provider has reached the directory. A database
// that takes no writes now still answers reads, so failing is only logged.
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
