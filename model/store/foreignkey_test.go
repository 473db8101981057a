package store_test

import (
	"context"
	"errors"
	"testing"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// The database refuses rows that refer to another organization, also by hand-written SQL.
func TestForeignKeysKeepOrganizationsApart(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		a, b := storetest.Settle(t, s, "alpha"), storetest.Settle(t, s, "bravo")
		db := storetest.Across(s, t.Context())
		session := func(organization model.OrganizationID, user, connection string) error {
			return db.Exec(`INSERT INTO sessions (id, organization_id, user_id, connection_id, identity_id, epoch,
					token_hash, authenticated_at, created_at, expires_at)
				VALUES (?, ?, ?, ?, ?, 1, ?, 0, 0, 1)`,
				storetest.NewID(), organization, user, connection, a.Identity.ID, []byte(storetest.NewID())).Error
		}
		storetest.Must(t, session(a.Org.ID, a.User.ID, a.Connection.ID))
		foreign := map[string]error{
			"a user":       session(a.Org.ID, b.User.ID, a.Connection.ID),
			"a connection": session(a.Org.ID, a.User.ID, b.Connection.ID),
			"all of it":    session(b.Org.ID, a.User.ID, a.Connection.ID),
		}
		code := func(session string) error {
			return db.Exec(`INSERT INTO authorization_codes (organization_id, hash, session_id, application_id,
					redirect_uri, code_challenge, created_at, expires_at)
				VALUES (?, ?, ?, ?, '', '', 0, 1)`,
				a.Org.ID, []byte(storetest.NewID()), session, *b.Login.ApplicationID).Error
		}
		token := func(session string) error {
			return db.Exec(`INSERT INTO access_tokens (organization_id, hash, session_id, application_id, code_hash,
					created_at, expires_at)
				VALUES (?, ?, ?, ?, ?, 0, 1)`,
				a.Org.ID, []byte(storetest.NewID()), session, *b.Login.ApplicationID, []byte("x")).Error
		}
		storetest.Must(t, errors.Join(code(a.SignedIn.Session.ID), token(a.SignedIn.Session.ID)))
		foreign["a code's session"] = code(b.SignedIn.Session.ID)
		foreign["a token's session"] = token(b.SignedIn.Session.ID)
		for _, table := range []string{
			"sessions", "authorization_codes", "access_tokens", "assertions",
			"asserted_groups", "login_attempts",
		} {
			update := "UPDATE " + table + " SET organization_id = ? WHERE organization_id = ?"
			foreign["moving "+table] = db.Exec(update, a.Org.ID, b.Org.ID).Error
		}
		for what, err := range foreign {
			if !errors.Is(err, gorm.ErrForeignKeyViolated) {
				t.Errorf("%s of another organization: %v", what, err)
			}
		}
		type read = func(ctx context.Context, token string) (*signon.SignedIn, error)
		for token, read := range map[string]read{
			b.Cookie: signon.Across(s).SessionByToken, b.Access: signon.Across(s).SessionByAccessToken,
		} {
			in, err := read(t.Context(), token)
			storetest.Must(t, err)
			for _, owner := range []model.OrganizationID{
				in.Session.OrganizationID, in.User.OrganizationID, in.Identity.OrganizationID,
			} {
				if owner != b.Org.ID {
					t.Errorf("a session of %s has rows of %s: %+v", b.Org.ID, owner, in)
				}
			}
			checkShowsNothing(t, in, a)
		}
	})
}
