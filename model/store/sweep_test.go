package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// Sweeping takes what opens nothing any more, a day later, and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		h := storetest.Open(t, s, "contoso")
		h.Settings(t, func(g *organization.Settings) { g.SessionLifetimeSeconds = 7 * 86400 })
		a := storetest.Application(t, s)
		h.Owned(t, h.D, "ada", "id-of-ada", h.Mail("ada"))
		sign := func() *signon.SignInResult {
			l := storetest.Begin(t, h.Org, h.C)
			l.ApplicationID = &a.ID
			in := storetest.Response(h.C, l, storetest.ClaimsOf("id-of-ada", h.Mail("ada")))
			in.ReplayUntil = model.TimeOf(clock.Now().Add(5 * time.Minute))
			out, err := signon.In(h.Org).SignIn(t.Context(), in)
			storetest.Must(t, err)
			return out
		}
		rows := func() map[string]int {
			n := map[string]int{}
			for _, name := range []string{"logins", "single_logouts", "assertions", "authorization_codes", "access_tokens", "sessions", "login_attempts", "identities", "users", "connections"} {
				var count int64
				storetest.Must(t, storetest.Across(s, t.Context()).Table(name).Where("organization_id = ?", string(h.Org.ID)).Count(&count).Error)
				n[name] = int(count)
			}
			return n
		}
		storetest.Must(t, storetest.Across(s, t.Context()).Exec("DELETE FROM sessions").Error) // of whoever was first
		storetest.Must(t, storetest.Across(s, t.Context()).Exec("DELETE FROM assertions").Error)
		live, ended := sign(), sign()
		_, token, err := signon.Across(s).RedeemCode(t.Context(), signon.Redemption{ApplicationID: a.ID, Code: live.Code})
		storetest.Must(t, err)
		_, _, err = signon.Across(s).RedeemCode(t.Context(), signon.Redemption{ApplicationID: a.ID, Code: ended.Code})
		storetest.Must(t, err)
		storetest.Must(t, signon.In(h.Org).EndSession(t.Context(), ended.Session.ID))
		storetest.Must(t, signon.In(h.Org).StartLogout(t.Context(), &signon.SingleLogout{ConnectionID: h.C.ID, RequestID: "_1", BrowserHash: []byte("hash")}))
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
			swept, err := operator.Across(s).Sweep(t.Context())
			storetest.Must(t, err)
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
			_, bySession := signon.Across(s).SessionByToken(t.Context(), live.SessionToken)
			_, byToken := signon.Across(s).SessionByAccessToken(t.Context(), token)
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
		h := storetest.Open(t, s, "contoso")
		storetest.Begin(t, h.Org, h.C)
		const more = 2500
		storetest.Must(t, storetest.Across(s, t.Context()).Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO logins (id, organization_id, connection_id, request_id, browser_hash, redirect_uri, state, code_challenge, force_authn, created_at, expires_at)
			SELECT id || i, organization_id, connection_id, request_id, browser_hash, redirect_uri, state, code_challenge, force_authn, created_at, expires_at
			FROM (SELECT * FROM logins LIMIT 1) l CROSS JOIN n`, more).Error)
		clock.Advance(25 * time.Hour)
		var swept int64
		var err error
		deletes := 0
		for _, query := range statements.During(func() { swept, err = operator.Across(s).Sweep(t.Context()) }) {
			if strings.HasPrefix(query, "DELETE FROM "+`"logins"`) || strings.HasPrefix(query, "DELETE FROM `logins`") {
				deletes++
			}
		}
		storetest.Must(t, err)
		var left int64
		storetest.Must(t, storetest.Across(s, t.Context()).Table("logins").Count(&left).Error)
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
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		a, b := storetest.Settle(t, s, "alpha"), storetest.Settle(t, s, "bravo")
		db := storetest.Across(s, t.Context())
		session := func(organization model.OrganizationID, user, connection string) error {
			return db.Exec(`INSERT INTO sessions (id, organization_id, user_id, connection_id, identity_id, epoch, token_hash, authenticated_at, created_at, expires_at)
				VALUES (?, ?, ?, ?, ?, 1, ?, 0, 0, 1)`, storetest.NewID(), organization, user, connection, a.Identity.ID, []byte(storetest.NewID())).Error
		}
		storetest.Must(t, session(a.Org.ID, a.User.ID, a.Connection.ID))
		foreign := map[string]error{
			"a user":       session(a.Org.ID, b.User.ID, a.Connection.ID),
			"a connection": session(a.Org.ID, a.User.ID, b.Connection.ID),
			"all of it":    session(b.Org.ID, a.User.ID, a.Connection.ID),
		}
		code := func(session string) error {
			return db.Exec(`INSERT INTO authorization_codes (organization_id, hash, session_id, application_id, redirect_uri, code_challenge, created_at, expires_at)
				VALUES (?, ?, ?, ?, '', '', 0, 1)`, a.Org.ID, []byte(storetest.NewID()), session, *b.Login.ApplicationID).Error
		}
		token := func(session string) error {
			return db.Exec(`INSERT INTO access_tokens (organization_id, hash, session_id, application_id, code_hash, created_at, expires_at)
				VALUES (?, ?, ?, ?, ?, 0, 1)`, a.Org.ID, []byte(storetest.NewID()), session, *b.Login.ApplicationID, []byte("x")).Error
		}
		storetest.Must(t, errors.Join(code(a.SignedIn.Session.ID), token(a.SignedIn.Session.ID)))
		foreign["a code's session"], foreign["a token's session"] = code(b.SignedIn.Session.ID), token(b.SignedIn.Session.ID)
		for _, move := range []string{"sessions", "authorization_codes", "access_tokens", "logins", "assertions", "asserted_groups", "login_attempts"} {
			foreign["moving "+move] = db.Exec("UPDATE "+move+" SET organization_id = ? WHERE organization_id = ?", a.Org.ID, b.Org.ID).Error
		}
		for what, err := range foreign {
			if !errors.Is(err, gorm.ErrForeignKeyViolated) {
				t.Errorf("%s of another organization: %v", what, err)
			}
		}
		for what, read := range map[string]func() (*signon.SignedIn, error){
			"session":      func() (*signon.SignedIn, error) { return signon.Across(s).SessionByToken(t.Context(), b.Cookie) },
			"access token": func() (*signon.SignedIn, error) { return signon.Across(s).SessionByAccessToken(t.Context(), b.Access) },
		} {
			in, err := read()
			if err != nil || fmt.Sprint(in.Session.OrganizationID, in.User.OrganizationID, in.Identity.OrganizationID) != fmt.Sprint(b.Org.ID, b.Org.ID, b.Org.ID) {
				t.Errorf("by its %s it is %+v: %v", what, in, err)
				continue
			}
			checkShowsNothing(t, in, a)
		}
	})
}
