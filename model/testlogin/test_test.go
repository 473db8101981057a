package testlogin_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/model/testlogin"
)

// stage is a store whose clock a test moves, with a draft that a switch turns on.
type stage struct {
	t     *testing.T
	clock *modeltest.Clock
	house storetest.House
	c     *connection.Connection
	db    modeltest.Database
}

func each(t *testing.T, test func(t *testing.T, g *stage)) {
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		g := &stage{t: t, clock: modeltest.NewClock(), db: db}
		s := modeltest.Open(t, db, store.Options{Now: g.clock.Now})
		g.house = storetest.Open(t, s, "contoso")
		c := storetest.NewConnection()
		c.IDPEntityID, c.ActivatedByHand = "https://idp.example/draft", true
		storetest.Must(t, connection.In(g.house.Org).CreateConnection(t.Context(), c, []byte("key")))
		g.c = c
		test(t, g)
	})
}

// in is the tests of the organization, and now its draft as it is stored.
func (g *stage) in() testlogin.Org { return testlogin.In(g.house.Org) }

func (g *stage) now() *connection.Connection {
	g.t.Helper()
	c, err := connection.In(g.house.Org).Connection(g.t.Context(), g.c.ID)
	storetest.Must(g.t, err)
	return c
}

func (g *stage) answer(l *signon.Login, result testlogin.Result) testlogin.Answer {
	return testlogin.Answer{Connection: g.now(), Login: l, AssertionID: "_" + rand.Text(), ReplayUntil: 1 << 60,
		Result: result, Report: testlogin.Report{Attributes: map[string][]string{"mail": {"ada@contoso.example"}}}}
}

// TestFinish: only a test that passed makes the connection a tested one, and none turns it on.
func TestFinish(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *stage) {
		for _, c := range []struct {
			result testlogin.Result
			tested bool
		}{{testlogin.Red, false}, {testlogin.Amber, true}, {testlogin.Green, true}} {
			_, err := connection.In(g.house.Org).UpdateConnection(t.Context(), g.c.ID,
				func(f *connection.ConnectionFields) error { f.SubjectAttribute = string(c.result); return nil })
			storetest.Must(t, err)
			if g.now().TestedAt != nil {
				t.Fatal("the connection is tested after it was changed")
			}
			a := g.answer(storetest.BeginTest(t, g.house.Org, g.c), c.result)
			events := storetest.NewEvents(t, g.house.S, g.house.Org, func() {
				test, err := g.in().Finish(t.Context(), a)
				storetest.Must(t, err)
				if test.Result != c.result || test.Report == nil ||
					test.Report.Attributes["mail"][0] != "ada@contoso.example" {
					t.Errorf("%+v", test)
				}
			})
			now := g.now()
			if (now.TestedAt != nil) != c.tested || now.State != connection.ConnectionDraft || len(events) > 0 {
				t.Errorf("%s: tested %v, state %s, events %v", c.result, now.TestedAt, now.State, events)
			}
			proof, err := g.in().Proof(t.Context(), now)
			if storetest.Must(t, err); (proof != nil) != c.tested {
				t.Errorf("%s: proof %+v", c.result, proof)
			}
		}
	})
}

// TestProofEnds with the settings that were tested, and after a day.
func TestProofEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *stage) {
		pass := func() {
			_, err := g.in().Finish(t.Context(), g.answer(storetest.BeginTest(t, g.house.Org, g.c), testlogin.Green))
			storetest.Must(t, err)
		}
		proven := func(want bool) {
			t.Helper()
			proof, err := g.in().Proof(t.Context(), g.now())
			if storetest.Must(t, err); (proof != nil) != want {
				t.Errorf("proof %+v, want %t", proof, want)
			}
		}
		change := func(fn func(*connection.ConnectionFields)) {
			_, err := connection.In(g.house.Org).UpdateConnection(t.Context(), g.c.ID,
				func(f *connection.ConnectionFields) error { fn(f); return nil })
			storetest.Must(t, err)
		}
		proven(false)
		pass()
		change(func(f *connection.ConnectionFields) { f.Name = "Renamed" })
		proven(true)
		change(func(f *connection.ConnectionFields) { f.IDPSSORedirectURL = "https://idp.example/other" })
		proven(false)
		change(func(f *connection.ConnectionFields) { f.IDPSSORedirectURL = "https://idp.example/sso" })
		proven(false) // the same as before, but nobody knows what else was between
		pass()
		g.clock.Advance(24*time.Hour - time.Millisecond)
		proven(true)
		g.clock.Advance(time.Millisecond)
		proven(false)
		if g.now().TestedAt == nil {
			t.Error("a day later the connection is not tested any more")
		}
	})
}

// TestAnswerOfAChangedConnection shows what came, and proves nothing of the connection as it is
// now.
func TestAnswerOfAChangedConnection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *stage) {
		a := g.answer(storetest.BeginTest(t, g.house.Org, g.c), testlogin.Green)
		_, err := connection.In(g.house.Org).UpdateConnection(t.Context(), g.c.ID,
			func(f *connection.ConnectionFields) error { f.IDPCertificates = []string{"another"}; return nil })
		storetest.Must(t, err)
		_, err = g.in().Finish(t.Context(), a)
		storetest.Must(t, err)
		proof, err := g.in().Proof(t.Context(), g.now())
		if storetest.Must(t, err); proof != nil || g.now().TestedAt != nil {
			t.Errorf("proof %+v, tested %v", proof, g.now().TestedAt)
		}
	})
}

// TestFirstAnswerCounts, and an assertion is accepted once: by a test or by a login.
func TestFirstAnswerCounts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *stage) {
		l := storetest.BeginTest(t, g.house.Org, g.c)
		first, err := g.in().Finish(t.Context(), g.answer(l, testlogin.Red))
		storetest.Must(t, err)
		storetest.Unchanged(t, g.house.S, func() {
			again, err := g.in().Finish(t.Context(), g.answer(l, testlogin.Green))
			if storetest.Must(t, err); again.ID != first.ID || again.Result != testlogin.Red {
				t.Errorf("%+v", again)
			}
		})
		accepted := g.answer(storetest.BeginTest(t, g.house.Org, g.c), testlogin.Green)
		_, err = g.in().Finish(t.Context(), accepted)
		storetest.Must(t, err)
		replayed := g.answer(storetest.BeginTest(t, g.house.Org, g.c), testlogin.Green)
		replayed.AssertionID = accepted.AssertionID
		test, err := g.in().Finish(t.Context(), replayed)
		storetest.Must(t, err)
		if test.Result != testlogin.Red || test.Reason != string(refusal.AssertionReplayed) {
			t.Errorf("replayed: %+v", test)
		}
		h := g.house
		in := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), storetest.ClaimsOf("first", h.Mail("first")))
		a := g.answer(storetest.BeginTest(t, h.Org, h.C), testlogin.Green)
		a.Connection, a.AssertionID = h.C, in.AssertionID
		_, err = g.in().Finish(t.Context(), a)
		storetest.Must(t, err)
		_, err = signon.In(h.Org).SignIn(t.Context(), in)
		if r, ok := errors.AsType[*refusal.Error](err); !ok || r.Reason != refusal.AssertionReplayed {
			t.Errorf("an assertion of a test signs in: %v", err)
		}
	})
}

// TestLateAnswer comes when the login of the test has expired.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *stage) {
		l := storetest.BeginTest(t, g.house.Org, g.c)
		g.clock.Advance(10 * time.Minute)
		a := g.answer(l, testlogin.Red)
		a.AssertionID, a.Reason = "", string(refusal.LoginUsed)
		test, err := g.in().Finish(t.Context(), a)
		if storetest.Must(t, err); test.Result != testlogin.Red || test.Reason != string(refusal.LoginUsed) {
			t.Errorf("%+v", test)
		}
	})
}

// TestTestsOfAnHour: neither those with a link nor the others take the places of the others.
func TestTestsOfAnHour(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *stage) {
		stranger := func() error {
			l := &signon.Login{ConnectionID: g.c.ID, TestID: model.NewID(), BrowserHash: []byte("hash")}
			signon.In(g.house.Org).StartLogin(l)
			_, err := g.in().Finish(t.Context(), g.answer(l, testlogin.Red))
			return err
		}
		begin := func() error {
			_, err := g.in().Begin(t.Context(), g.c.ID)
			return err
		}
		for _, kind := range []func() error{stranger, begin} {
			for range testlogin.MaxTests {
				storetest.Must(t, kind())
			}
			storetest.WantKind(t, kind(), model.Full)
		}
		storetest.WantKind(t, g.in().MayBegin(t.Context(), g.c.ID), model.Full)
		g.clock.Advance(time.Hour)
		for _, kind := range []func() error{stranger, begin} {
			storetest.Must(t, kind())
		}
		storetest.Must(t, g.in().MayBegin(t.Context(), g.c.ID))
		list, err := g.in().Tests(t.Context(), g.c.ID, 1000)
		if storetest.Must(t, err); len(list) != 2*testlogin.MaxTests+2 || list[0].Result != testlogin.Pending ||
			list[0].Report != nil || list[1].Report == nil {
			t.Errorf("%d tests", len(list))
		}
	})
}

// TestSweptAfterAWeek, and not shown from then on.
func TestSweptAfterAWeek(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *stage) {
		test := storetest.Tested(t, g.house.Org, g.c)
		g.clock.Advance(testlogin.Kept - time.Millisecond)
		_, err := operator.Across(g.house.S).Sweep(t.Context())
		storetest.Must(t, err)
		_, err = g.in().Test(t.Context(), test.ID)
		storetest.Must(t, err)
		g.clock.Advance(time.Millisecond)
		_, err = g.in().Test(t.Context(), test.ID)
		storetest.WantKind(t, err, model.NotFound)
		_, err = testlogin.Across(g.house.S).Test(t.Context(), test.ID)
		storetest.WantKind(t, err, model.NotFound)
		_, err = operator.Across(g.house.S).Sweep(t.Context())
		storetest.Must(t, err)
		var rows int64
		storetest.Must(t, storetest.Within(g.house.Org, t.Context()).Model(&testlogin.Test{}).Count(&rows).Error)
		if rows != 0 {
			t.Errorf("%d rows are left", rows)
		}
	})
}
