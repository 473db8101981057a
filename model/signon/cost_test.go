package signon_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// Each step of a sign-on has a limit of statements, counted at the driver.
func TestSignOnNeedsFewStatements(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		s := modeltest.Open(t, db, counter.Options())
		h := storetest.Open(t, s, "contoso")
		a := storetest.Application(t, s)
		h.Owned(t, h.D, "ada", "ada", h.Mail("ada"))
		h.Owned(t, h.D, "grace", "grace", h.Mail("grace"))
		_, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("ada", h.Mail("ada")))
		storetest.Must(t, err)
		verified := func(name string) signon.SignIn {
			l := storetest.Begin(t, h.Org, h.C)
			l.ApplicationID = &a.ID
			return storetest.Response(h.C, l, storetest.ClaimsOf(name, h.Mail(name)))
		}
		known, link, create := verified("ada"), verified("grace"), verified("new")
		page := verified("ada")
		page.Login.ApplicationID = nil
		var out *signon.SignInResult
		sign := func(in signon.SignIn) func() error {
			return func() (err error) { out, err = signon.In(h.Org).SignIn(t.Context(), in); return err }
		}
		var in *signon.SignedIn
		var token string
		for _, c := range []struct {
			what string
			most int
			run  func() error
		}{
			{"sign a known user in without an application", 11, sign(page)},
			{"sign a known user in", 14, sign(known)},
			{"sign in and link", 19, sign(link)},
			{"sign in and create", 21, sign(create)},
			{"redeem a code", 4, func() (err error) {
				_, token, err = signon.Across(s).RedeemCode(t.Context(),
					signon.Redemption{ApplicationID: a.ID, Code: out.Code})
				return err
			}},
			{"a session by its token", 1, func() (err error) {
				in, err = signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
				return err
			}},
			{"a profile by access token", 2, func() error {
				in, err := signon.Across(s).SessionByAccessToken(t.Context(), token)
				if err == nil {
					_, err = signon.In(h.Org).Profile(t.Context(), in)
				}
				return err
			}},
			{"hand over a code to another application", 5, func() error {
				_, err := signon.In(h.Org).HandOver(t.Context(), in,
					signon.CodeRequest{ApplicationID: a.ID, RedirectURI: storetest.Callback})
				return err
			}},
			{"end a session", 1, func() error { return signon.In(h.Org).EndSession(t.Context(), in.Session.ID) }},
			{"note a failed login", 3, func() error {
				_, err := signon.In(h.Org).RecordFailedLogin(t.Context(),
					signon.LoginAttempt{ConnectionID: h.C.ID, Reason: "expired"}, "")
				return err
			}},
		} {
			t.Run(c.what, func(t *testing.T) {
				var err error
				got := counter.During(func() { err = c.run() })
				storetest.Must(t, err)
				if len(got) > c.most || len(got) == 0 {
					t.Errorf("%d statements, %d at most", len(got), c.most)
				}
				t.Logf("%s: %d statements", c.what, len(got))
			})
		}
	})
}

// Each statement of a sign-on finds its rows by an index, in tables with many rows.
func TestSignOnUsesIndexes(t *testing.T) {
	t.Parallel()
	const sessions = 5_000
	db := modeltest.Postgres(t)
	var last struct {
		sync.Mutex
		queries []string
	}
	s := modeltest.Open(t, db, store.Options{Statement: func(q string) {
		last.Lock()
		defer last.Unlock()
		last.queries = append(last.queries, q)
	}})
	h := storetest.Open(t, s, "contoso")
	o, gone := h.SignOn(t, "ada"), h.SignOn(t, "grace")
	all := storetest.Fill(t, s, h.Org, h.D, sessions+1)
	others := func(table, columns, values string) {
		storetest.Must(t, storetest.Across(s, t.Context()).Exec(
			"INSERT INTO "+table+" ("+columns+") SELECT "+values+" FROM (SELECT * FROM "+table+
				" ORDER BY created_at DESC LIMIT 1) t CROSS JOIN generate_series(1, ?) n", sessions).Error)
	}
	others("sessions",
		"id, organization_id, user_id, connection_id, identity_id, epoch, token_hash, authenticated_at, "+
			"created_at, expires_at",
		"id || n, organization_id, '"+all[0][:24]+"' || lpad(n::text, 12, '0'), connection_id, identity_id || n, "+
			"epoch, sha256(n::text::bytea), authenticated_at, created_at, expires_at")
	others("access_tokens", "hash, organization_id, session_id, application_id, code_hash, created_at, expires_at",
		"sha256(n::text::bytea), organization_id, session_id, application_id, sha256(('c' || n)::bytea), "+
			"created_at, expires_at")
	others("authorization_codes",
		"hash, organization_id, session_id, application_id, redirect_uri, code_challenge, created_at, expires_at",
		"sha256(n::text::bytea), organization_id, session_id, application_id, redirect_uri, code_challenge, "+
			"created_at, expires_at")
	others("identities", "id, organization_id, connection_id, issuer, subject, user_id, created_at, updated_at",
		"id || n, organization_id, connection_id, issuer, subject || n, user_id, created_at, updated_at")
	others("login_attempts",
		"id, organization_id, connection_id, succeeded, reason, expected, received, notes, email, subject, "+
			"reference, address, created_at",
		"id || n, organization_id, connection_id, succeeded, reason, expected, received, notes, email, subject, "+
			"reference, address, created_at")
	storetest.Must(t, storetest.Across(s, t.Context()).Exec("INSERT INTO used_tokens "+
		"(organization_id, id, expires_at) SELECT ?, 'id' || n, 0 FROM generate_series(1, ?) n",
		string(h.Org.ID), sessions).Error)
	storetest.Must(t, storetest.Across(s, t.Context()).Exec("ANALYZE").Error)
	l := storetest.Begin(t, h.Org, h.C)
	l.ApplicationID = &o.Application.ID
	for name, run := range map[string]func() error{
		"a session by its token": func() error {
			_, err := signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken)
			return err
		},
		"a session by access token": func() error {
			_, err := signon.Across(s).SessionByAccessToken(t.Context(), o.Token)
			return err
		},
		"sign in": func() error {
			_, err := signon.In(h.Org).SignIn(t.Context(), storetest.Response(h.C, l,
				storetest.ClaimsOf("new", h.Mail("new"))))
			return err
		},
		"sessions of a user": func() error {
			_, _, err := signon.In(h.Org).Sessions(t.Context(), o.User.ID, model.Page{Limit: 10})
			return err
		},
		"a code that is used": func() error {
			_, _, err := signon.Across(s).RedeemCode(t.Context(),
				signon.Redemption{ApplicationID: o.Application.ID, Code: o.Code})
			return err
		},
		"a code that comes twice": func() error {
			_, _, _ = signon.Across(s).RedeemCode(t.Context(),
				signon.Redemption{ApplicationID: gone.Application.ID, Code: gone.Out.Code})
			return nil
		},
		"sessions of an identity": func() error {
			if n, err := signon.In(h.Org).EndSessionsOf(t.Context(), gone.Out.Session.IdentityID,
				1<<60); err != nil || n < 1 {
				return fmt.Errorf("%d sessions ended: %w", n, err)
			}
			return nil
		},
		"the login log": func() error {
			_, _, err := signon.In(h.Org).LoginAttempts(t.Context(), h.C.ID, model.Page{Limit: 10})
			return err
		},
		"a failed login": func() error {
			_, err := signon.In(h.Org).RecordFailedLogin(t.Context(), signon.LoginAttempt{ConnectionID: h.C.ID}, "")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			last.Lock()
			last.queries = nil
			last.Unlock()
			storetest.Must(t, run())
			last.Lock()
			queries := last.queries
			last.Unlock()
			for _, query := range queries {
				if strings.HasPrefix(query, "INSERT") {
					continue
				}
				plan := planOf(t, s, query)
				for _, table := range []string{"sessions", "access_tokens", "authorization_codes", "identities",
					"users", "logins", "login_attempts"} {
					if strings.Contains(plan, "Seq Scan on "+table) {
						t.Errorf("%s is read from end to end:\n%s\n%s", table, query, plan)
					}
				}
			}
		})
	}
}

// planOf returns PostgreSQL's generic plan of a statement.
func planOf(t testing.TB, s *store.Store, query string) string {
	t.Helper()
	conn := storetest.Across(s, t.Context()).Begin()
	defer conn.Rollback()
	storetest.Must(t, conn.Exec("SET LOCAL plan_cache_mode = force_generic_plan").Error)
	storetest.Must(t, conn.Exec("PREPARE looked_up AS "+query).Error)
	defer conn.Exec("DEALLOCATE looked_up")
	nulls := strings.TrimSuffix(strings.Repeat("NULL,", storetest.Parameters(query)), ",")
	if nulls != "" {
		nulls = fmt.Sprint("(", nulls, ")")
	}
	var plan []string
	storetest.Must(t, conn.Raw("EXPLAIN EXECUTE looked_up"+nulls).Scan(&plan).Error)
	return strings.Join(plan, "\n")
}
