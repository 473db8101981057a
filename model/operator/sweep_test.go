package operator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
)

func TestSweepDeletesOnlyWhatHasNoUse(t *testing.T) {
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
			for _, name := range []string{
				"used_tokens", "single_logouts", "assertions", "authorization_codes", "access_tokens", "sessions",
				"session_applications", "login_attempts", "identities", "users", "connections",
			} {
				var count int64
				table := storetest.Across(s, t.Context()).Table(name)
				storetest.Must(t, table.Where("organization_id = ?", string(h.Org.ID)).Count(&count).Error)
				n[name] = int(count)
			}
			return n
		}
		// The connection was activated by a login.
		storetest.Must(t, storetest.Across(s, t.Context()).Exec("DELETE FROM sessions").Error)
		storetest.Must(t, storetest.Across(s, t.Context()).Exec("DELETE FROM assertions").Error)
		live, ended := sign(), sign()
		redeem := func(code string) (*signon.SignedIn, string, error) {
			return signon.Across(s).RedeemCode(t.Context(), signon.Redemption{ApplicationID: a.ID, Code: code})
		}
		_, token, err := redeem(live.Code)
		storetest.Must(t, err)
		_, _, err = redeem(ended.Code)
		storetest.Must(t, err)
		storetest.Must(t, signon.In(h.Org).EndSession(t.Context(), ended.Session.ID))
		logout := &signon.SingleLogout{ConnectionID: h.C.ID, RequestID: "_1", BrowserHash: []byte("hash")}
		storetest.Must(t, signon.In(h.Org).StartLogout(t.Context(), logout))
		kept := map[string]int{
			"used_tokens": 3, "single_logouts": 1, "assertions": 2, "authorization_codes": 2, "access_tokens": 2,
			"sessions": 2, "session_applications": 1, "login_attempts": 3, "identities": 2, "users": 2,
			"connections": 1,
		}
		for _, step := range []struct {
			what    string
			after   time.Duration
			changed map[string]int
		}{
			{"nothing at first", 0, nil},
			{"nothing while the assertions are young enough to be accepted", 5 * time.Minute, nil},
			{"the assertions", time.Millisecond, map[string]int{"assertions": 0}},
			{"the ended session, a day later", 24*time.Hour - 5*time.Minute,
				map[string]int{"used_tokens": 0, "sessions": 1, "authorization_codes": 1, "access_tokens": 1}},
			{"codes a day after their minute", time.Minute, map[string]int{"authorization_codes": 0}},
			{"logouts a day after their ten minutes", 9 * time.Minute, map[string]int{"single_logouts": 0}},
			{"nothing while the session lives, and a day", 7*24*time.Hour - 10*time.Minute - time.Millisecond, nil},
			{"the other session, with its token", time.Millisecond,
				map[string]int{"sessions": 0, "session_applications": 0, "access_tokens": 0}},
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
			// Rows that are deleted by the cascade of their session are not counted.
			if most := total(before) - total(after); int(swept) > most || (swept == 0) != (most == 0) {
				t.Errorf("%s: it counts %d of %d rows", step.what, swept, most)
			}
			_, bySession := signon.Across(s).SessionByToken(t.Context(), live.SessionToken)
			_, byToken := signon.Across(s).SessionByAccessToken(t.Context(), token)
			lives := clock.Now().Before(time.UnixMilli(int64(live.Session.ExpiresAt)))
			if lives != (bySession == nil) || lives != (byToken == nil) {
				t.Errorf("%s: the session lives: %t, %v %v", step.what, lives, bySession, byToken)
			}
		}
	})
}

// One statement for all rows of a flood of tokens could take longer than the database lets a
// statement run, and every later one, too.
func TestSweepDeletesInBatches(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		var statements modeltest.Statements
		options := statements.Options()
		options.Now = clock.Now
		s := modeltest.Open(t, db, options)
		h := storetest.Open(t, s, "contoso")
		const more = 2500
		storetest.Must(t, storetest.Across(s, t.Context()).Exec(`
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO used_tokens (organization_id, id, expires_at) SELECT ?, 'id' || i, 1 FROM n`,
			more, string(h.Org.ID)).Error)
		clock.Advance(25 * time.Hour)
		var swept int64
		var err error
		deletes := 0
		for _, query := range statements.During(func() { swept, err = operator.Across(s).Sweep(t.Context()) }) {
			if strings.HasPrefix(strings.ReplaceAll(query, "`", `"`), `DELETE FROM "used_tokens"`) {
				deletes++
			}
		}
		storetest.Must(t, err)
		var left int64
		storetest.Must(t, storetest.Across(s, t.Context()).Table("used_tokens").Count(&left).Error)
		if left != 0 || swept < more || deletes != 3 {
			t.Errorf("%d used tokens are left, %d rows were deleted, by %d statements", left, swept, deletes)
		}
	})
}

func total(rows map[string]int) (n int) {
	for _, of := range rows {
		n += of
	}
	return n
}
