package model_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// Sweeping takes what opens nothing any more, a day later, and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, model.Options{Now: clock.Now})
		h := open(t, s, "contoso")
		h.settings(t, func(g *model.Settings) { g.SessionLifetimeSeconds = 7 * 86400 })
		a := application(t, s)
		h.owned(t, h.d, "ada", "id-of-ada", h.mail("ada"))
		sign := func() *model.SignedUp {
			l := begin(t, h.org, h.c)
			l.ApplicationID = &a.ID
			in := response(h.c, l, claimsOf("id-of-ada", h.mail("ada")))
			in.ReplayUntil = model.TimeOf(clock.Now().Add(5 * time.Minute))
			out, err := h.org.SignIn(t.Context(), in)
			must(t, err)
			return out
		}
		rows := func() map[string]int {
			n := map[string]int{}
			for _, name := range []string{"logins", "single_logouts", "assertions", "authorization_codes", "access_tokens", "sessions", "login_attempts", "identities", "users", "connections"} {
				var count int64
				must(t, model.Across(s, t.Context()).Table(name).Where("organization_id = ?", string(h.org.ID)).Count(&count).Error)
				n[name] = int(count)
			}
			return n
		}
		must(t, model.Across(s, t.Context()).Exec("DELETE FROM sessions").Error) // of whoever was first
		must(t, model.Across(s, t.Context()).Exec("DELETE FROM assertions").Error)
		live, ended := sign(), sign()
		_, token, err := s.RedeemCode(t.Context(), model.Redemption{ApplicationID: a.ID, Code: live.Code})
		must(t, err)
		_, _, err = s.RedeemCode(t.Context(), model.Redemption{ApplicationID: a.ID, Code: ended.Code})
		must(t, err)
		must(t, h.org.EndSession(t.Context(), ended.Session.ID))
		must(t, h.org.StartLogout(t.Context(), &model.SingleLogout{ConnectionID: h.c.ID, RequestID: "_1", BrowserHash: []byte("hash")}))
		kept := map[string]int{"logins": 3, "single_logouts": 1, "assertions": 2, "authorization_codes": 2, "access_tokens": 2, "sessions": 2, "login_attempts": 3, "identities": 2, "users": 2, "connections": 1}
		for _, step := range []struct {
			what    string
			after   time.Duration
			changed map[string]int
		}{
			{"nothing at first", 0, nil},
			{"nothing while the assertions' age does not refuse them", 5 * time.Minute, nil},
			{"the assertions", time.Millisecond, map[string]int{"assertions": 0}},
			{"what ended, a day later", 24*time.Hour - 5*time.Minute, map[string]int{"sessions": 1, "authorization_codes": 1, "access_tokens": 1}},
			{"codes a day after their minute", time.Minute, map[string]int{"authorization_codes": 0}},
			{"logins and logouts a day after their ten minutes", 9 * time.Minute, map[string]int{"logins": 0, "single_logouts": 0}},
			{"nothing while the session lives, and a day", 7*24*time.Hour - 10*time.Minute - time.Millisecond, nil},
			{"the session, with its token", time.Millisecond, map[string]int{"sessions": 0, "access_tokens": 0}},
			{"the log after 90 days", 82 * 24 * time.Hour, map[string]int{"login_attempts": 0}},
		} {
			clock.Advance(step.after)
			before := rows()
			swept, err := s.Sweep(t.Context())
			must(t, err)
			for name, n := range step.changed {
				kept[name] = n
			}
			after := rows()
			if diff := cmp.Diff(kept, after); diff != "" {
				t.Errorf("%s (-want +got): %s", step.what, diff)
			}
			// Rows that go with their session are not counted.
			if most := total(before) - total(after); int(swept) > most || (swept == 0) != (most == 0) {
				t.Errorf("%s: it tells of %d of %d rows", step.what, swept, most)
			}
			_, bySession := s.SessionByToken(t.Context(), live.SessionToken)
			_, byToken := s.SessionByAccessToken(t.Context(), token)
			if lives := clock.Now().Before(time.UnixMilli(int64(live.Session.ExpiresAt))); lives != (bySession == nil) || lives != (byToken == nil) {
				t.Errorf("%s: the session lives: %t, %v %v", step.what, lives, bySession, byToken)
			}
		}
	})
}

// What a flood of logins leaves behind goes piece by piece: one statement for all of it could take longer
// than the database lets a statement run, and then it would never go.
func TestSweepGoesInPieces(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		var statements modeltest.Statements
		options := statements.Options()
		options.Now = clock.Now
		s := modeltest.Open(t, db, options)
		h := open(t, s, "contoso")
		begin(t, h.org, h.c)
		const more = 2500
		must(t, model.Across(s, t.Context()).Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO logins (id, organization_id, connection_id, request_id, browser_hash, redirect_uri, state, code_challenge, force_authn, created_at, expires_at)
			SELECT id || i, organization_id, connection_id, request_id, browser_hash, redirect_uri, state, code_challenge, force_authn, created_at, expires_at
			FROM (SELECT * FROM logins LIMIT 1) l CROSS JOIN n`, more).Error)
		clock.Advance(25 * time.Hour)
		var swept int64
		var err error
		deletes := 0
		for _, query := range statements.During(func() { swept, err = s.Sweep(t.Context()) }) {
			if strings.HasPrefix(query, "DELETE FROM "+`"logins"`) || strings.HasPrefix(query, "DELETE FROM `logins`") {
				deletes++
			}
		}
		must(t, err)
		var left int64
		must(t, model.Across(s, t.Context()).Table("logins").Count(&left).Error)
		if left != 0 || swept < more || deletes != 3 {
			t.Errorf("%d logins are left, %d rows went, by %d statements", left, swept, deletes)
		}
	})
}

func total(rows map[string]int) (n int) {
	for _, of := range rows {
		n += of
	}
	return n
}

// A session, and whatever hangs on it, cannot be of two organizations, whoever writes the row.
func TestSignOnRowsStayInside(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		a, b := settle(t, s, "alpha"), settle(t, s, "bravo")
		db := model.Across(s, t.Context())
		session := func(organization model.OrganizationID, user, connection string) error {
			return db.Exec(`INSERT INTO sessions (id, organization_id, user_id, connection_id, identity_id, epoch, token_hash, authenticated_at, created_at, expires_at)
				VALUES (?, ?, ?, ?, ?, 1, ?, 0, 0, 1)`, model.NewID(), organization, user, connection, a.identity.ID, []byte(model.NewID())).Error
		}
		must(t, session(a.org.ID, a.user.ID, a.connection.ID))
		foreign := map[string]error{
			"a user":       session(a.org.ID, b.user.ID, a.connection.ID),
			"a connection": session(a.org.ID, a.user.ID, b.connection.ID),
			"all of it":    session(b.org.ID, a.user.ID, a.connection.ID),
		}
		code := func(session string) error {
			return db.Exec(`INSERT INTO authorization_codes (organization_id, hash, session_id, application_id, redirect_uri, code_challenge, created_at, expires_at)
				VALUES (?, ?, ?, ?, '', '', 0, 1)`, a.org.ID, []byte(model.NewID()), session, *b.login.ApplicationID).Error
		}
		token := func(session string) error {
			return db.Exec(`INSERT INTO access_tokens (organization_id, hash, session_id, application_id, code_hash, created_at, expires_at)
				VALUES (?, ?, ?, ?, ?, 0, 1)`, a.org.ID, []byte(model.NewID()), session, *b.login.ApplicationID, []byte("x")).Error
		}
		must(t, errors.Join(code(a.signedIn.Session.ID), token(a.signedIn.Session.ID)))
		foreign["a code's session"], foreign["a token's session"] = code(b.signedIn.Session.ID), token(b.signedIn.Session.ID)
		for _, move := range []string{"sessions", "authorization_codes", "access_tokens", "logins", "assertions", "asserted_groups", "login_attempts"} {
			foreign["moving "+move] = db.Exec("UPDATE "+move+" SET organization_id = ? WHERE organization_id = ?", a.org.ID, b.org.ID).Error
		}
		for what, err := range foreign {
			if !errors.Is(err, gorm.ErrForeignKeyViolated) {
				t.Errorf("%s of another organization: %v", what, err)
			}
		}
		for what, read := range map[string]func() (*model.SignedIn, error){
			"session":      func() (*model.SignedIn, error) { return s.SessionByToken(t.Context(), b.cookie) },
			"access token": func() (*model.SignedIn, error) { return s.SessionByAccessToken(t.Context(), b.access) },
		} {
			in, err := read()
			if err != nil || fmt.Sprint(in.Session.OrganizationID, in.User.OrganizationID, in.Identity.OrganizationID) != fmt.Sprint(b.org.ID, b.org.ID, b.org.ID) {
				t.Errorf("by its %s it is %+v: %v", what, in, err)
				continue
			}
			checkShowsNothing(t, in, a)
		}
	})
}
