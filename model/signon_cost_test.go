package model_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// What each step of a sign-on costs, in statements at the driver.
func TestSignOnStatements(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		s := modeltest.Open(t, db, counter.Options())
		h := open(t, s, "contoso")
		a := application(t, s)
		h.owned(t, h.d, "ada", "ada", h.mail("ada"))
		h.owned(t, h.d, "grace", "grace", h.mail("grace"))
		_, err := signIn(t, h.org, h.c, claimsOf("ada", h.mail("ada")))
		must(t, err)
		verified := func(name string) model.SignIn {
			l := begin(t, h.org, h.c)
			l.ApplicationID = &a.ID
			return response(h.c, l, claimsOf(name, h.mail(name)))
		}
		known, link, create := verified("ada"), verified("grace"), verified("new")
		page := verified("ada")
		page.Login.ApplicationID = nil
		var out *model.SignedUp
		sign := func(in model.SignIn) func() error {
			return func() (err error) { out, err = h.org.SignIn(t.Context(), in); return err }
		}
		var in *model.SignedIn
		var token string
		for _, c := range []struct {
			what string
			most int
			run  func() error
		}{
			{"start a login", 1, func() error { begin(t, h.org, h.c); return nil }},
			{"sign a known user in, to a page", 11, sign(page)},
			{"sign a known user in", 14, sign(known)},
			{"sign in and link", 19, sign(link)},
			{"sign in and create", 21, sign(create)},
			{"redeem a code", 4, func() (err error) {
				_, token, err = s.RedeemCode(t.Context(), model.Redemption{ApplicationID: a.ID, Code: out.Code})
				return err
			}},
			{"a session by its token", 1, func() (err error) { in, err = s.SessionByToken(t.Context(), out.SessionToken); return err }},
			{"a profile by access token", 2, func() error {
				in, err := s.SessionByAccessToken(t.Context(), token)
				if err == nil {
					_, err = h.org.Profile(t.Context(), in)
				}
				return err
			}},
			{"hand over a code to another application", 5, func() error { _, err := h.org.HandOver(t.Context(), in, a.ID, callback, ""); return err }},
			{"end a session", 1, func() error { return h.org.EndSession(t.Context(), in.Session.ID) }},
			{"note a failed login", 3, func() error {
				_, err := h.org.RecordFailedLogin(t.Context(), model.LoginAttempt{ConnectionID: h.c.ID, Reason: "expired"}, "")
				return err
			}},
		} {
			t.Run(c.what, func(t *testing.T) {
				var err error
				got := counter.During(func() { err = c.run() })
				must(t, err)
				if len(got) > c.most || len(got) == 0 {
					t.Errorf("%d statements, %d at most", len(got), c.most)
				}
				t.Logf("%s: %d statements", c.what, len(got))
			})
		}
	})
}

// What a browser or an application asks for by a secret is found by an index, among many others.
func TestSignOnPlansUseIndexes(t *testing.T) {
	t.Parallel()
	const sessions = 5_000
	db := modeltest.Postgres(t)
	var last struct {
		sync.Mutex
		queries []string
	}
	s := modeltest.Open(t, db, model.Options{Statement: func(q string) {
		last.Lock()
		defer last.Unlock()
		last.queries = append(last.queries, q)
	}})
	h := open(t, s, "contoso")
	o, gone := h.signOn(t, "ada"), h.signOn(t, "grace")
	all := fill(t, s, h.org, h.d, sessions+1)
	others := func(table, columns, values string) {
		must(t, model.Across(s, t.Context()).Exec("INSERT INTO "+table+" ("+columns+") SELECT "+values+" FROM (SELECT * FROM "+table+
			" ORDER BY created_at DESC LIMIT 1) t CROSS JOIN generate_series(1, ?) n", sessions).Error)
	}
	others("sessions", "id, organization_id, user_id, connection_id, identity_id, epoch, token_hash, authenticated_at, created_at, expires_at",
		"id || n, organization_id, '"+all[0][:24]+"' || lpad(n::text, 12, '0'), connection_id, identity_id || n, epoch, sha256(n::text::bytea), authenticated_at, created_at, expires_at")
	others("access_tokens", "hash, organization_id, session_id, application_id, code_hash, created_at, expires_at",
		"sha256(n::text::bytea), organization_id, session_id, application_id, sha256(('c' || n)::bytea), created_at, expires_at")
	others("authorization_codes", "hash, organization_id, session_id, application_id, redirect_uri, code_challenge, created_at, expires_at",
		"sha256(n::text::bytea), organization_id, session_id, application_id, redirect_uri, code_challenge, created_at, expires_at")
	others("identities", "id, organization_id, connection_id, issuer, subject, user_id, created_at, updated_at",
		"id || n, organization_id, connection_id, issuer, subject || n, user_id, created_at, updated_at")
	others("login_attempts", "id, organization_id, connection_id, succeeded, reason, expected, received, notes, email, subject, reference, address, created_at",
		"id || n, organization_id, connection_id, succeeded, reason, expected, received, notes, email, subject, reference, address, created_at")
	others("logins", "id, organization_id, connection_id, request_id, browser_hash, redirect_uri, state, code_challenge, force_authn, created_at, expires_at",
		"id || n, organization_id, connection_id, request_id, browser_hash, redirect_uri, state, code_challenge, force_authn, created_at, expires_at")
	must(t, model.Across(s, t.Context()).Exec("ANALYZE").Error)
	l := begin(t, h.org, h.c)
	l.ApplicationID = &o.application.ID
	for name, run := range map[string]func() error{
		"a session by its token":    func() error { _, err := s.SessionByToken(t.Context(), o.out.SessionToken); return err },
		"a session by access token": func() error { _, err := s.SessionByAccessToken(t.Context(), o.token); return err },
		"a login":                   func() error { _, err := h.org.Login(t.Context(), h.c.ID, l.ID); return err },
		"sign in": func() error {
			_, err := h.org.SignIn(t.Context(), response(h.c, l, claimsOf("new", h.mail("new"))))
			return err
		},
		"sessions of a user": func() error { _, _, err := h.org.Sessions(t.Context(), o.user.ID, model.Page{Limit: 10}); return err },
		"a code that is used": func() error {
			_, _, err := s.RedeemCode(t.Context(), model.Redemption{ApplicationID: o.application.ID, Code: o.code})
			return err
		},
		"a code that comes twice": func() error {
			_, _, _ = s.RedeemCode(t.Context(), model.Redemption{ApplicationID: gone.application.ID, Code: gone.out.Code})
			return nil
		},
		"sessions of an identity": func() error {
			if n, err := h.org.EndSessionsOf(t.Context(), gone.out.Session.IdentityID); err != nil || n < 1 {
				return fmt.Errorf("%d sessions ended: %w", n, err)
			}
			return nil
		},
		"the login log": func() error { _, _, err := h.org.LoginAttempts(t.Context(), h.c.ID, model.Page{Limit: 10}); return err },
		"a failed login": func() error {
			_, err := h.org.RecordFailedLogin(t.Context(), model.LoginAttempt{ConnectionID: h.c.ID}, "")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			last.Lock()
			last.queries = nil
			last.Unlock()
			must(t, run())
			last.Lock()
			queries := last.queries
			last.Unlock()
			for _, query := range queries {
				if strings.HasPrefix(query, "INSERT") {
					continue
				}
				plan := planOf(t, s, query)
				for _, table := range []string{"sessions", "access_tokens", "authorization_codes", "identities", "users", "logins", "login_attempts"} {
					if strings.Contains(plan, "Seq Scan on "+table) {
						t.Errorf("%s is read from end to end:\n%s\n%s", table, query, plan)
					}
				}
			}
		})
	}
}

// planOf is how PostgreSQL answers a statement of the store, with parameters of any value.
func planOf(t testing.TB, s *model.Store, query string) string {
	t.Helper()
	conn := model.Across(s, t.Context()).Begin()
	defer conn.Rollback()
	must(t, conn.Exec("SET LOCAL plan_cache_mode = force_generic_plan").Error)
	must(t, conn.Exec("PREPARE looked_up AS "+query).Error)
	defer conn.Exec("DEALLOCATE looked_up")
	nulls := strings.TrimSuffix(strings.Repeat("NULL,", parameters(query)), ",")
	if nulls != "" {
		nulls = fmt.Sprint("(", nulls, ")")
	}
	var plan []string
	must(t, conn.Raw("EXPLAIN EXECUTE looked_up"+nulls).Scan(&plan).Error)
	return strings.Join(plan, "\n")
}
