package sso_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/model/store"
	"rollcall/testidp"
)

// ledBack demands that an answer that comes a second time leads its browser to where it is signed
// in, without a new session or code.
func (w *world) ledBack(b *browser, second answer, want string) {
	w.t.Helper()
	if second.status != http.StatusSeeOther || len(second.header.Values("Set-Cookie")) > 0 ||
		!strings.Contains(second.location.Path, "/again") {
		w.t.Fatalf("%d to %s: %s", second.status, second.location, second.body)
	}
	end := b.get(second.location.String())
	if end.status != http.StatusSeeOther || len(end.header.Values("Set-Cookie")) > 0 ||
		end.location.Query().Has("code") || !strings.HasPrefix(end.location.String(), want) {
		w.t.Errorf("led to %d %s, want %s: %s", end.status, end.location, want, end.body)
	}
	if strings.HasPrefix(want, w.url) {
		if page := b.get(want); page.status != http.StatusOK {
			w.t.Errorf("%s is answered with %d", want, page.status)
		}
	}
}

// TestAnswerThatComesAgain: the browser that is signed in is led there, any other one is refused.
func TestAnswerThatComesAgain(t *testing.T) {
	t.Parallel()
	w := one(t)
	acs := w.sp(w.connection, "/acs")
	signIn := func() (*browser, answer, map[string][]string) {
		b := w.browser()
		sent := b.get(w.authorize(w.tenant))
		form := w.answer(t, sent, ada(w.tenant), testidp.ResponseOptions{})
		b.post(acs, form).code(t)
		return b, sent, form
	}
	b, _, form := signIn()
	before := len(w.log(w.tenant))
	w.ledBack(b, b.post(acs, form), w.url+"/sso/signed-in")
	if n := len(w.log(w.tenant)); n != before {
		t.Errorf("the log has %d lines more", n-before)
	}
	const initiate = "https://app.example/start"
	_, err := organization.Across(w.store).UpdateApplication(t.Context(), w.app.ID,
		func(a *organization.ApplicationFields) error {
			a.InitiateLoginURI = initiate
			return nil
		})
	must(t, err)
	w.ledBack(b, b.post(acs, form), initiate)

	t.Run("in another browser", func(t *testing.T) {
		w.refused(w.tenant, w.browser().post(acs, form), string(refusal.LoginForeign))
		led := b.post(acs, form).location.String()
		w.refused(w.tenant, w.browser().get(led), string(refusal.LoginForeign))
		other, _, _ := signIn() // its session is not that of this login
		w.refused(w.tenant, other.get(led), string(refusal.LoginForeign))
	})
	t.Run("after signing out", func(t *testing.T) {
		b, _, form := signIn()
		b.submit("/sso/logout", nil)
		if b.signedIn() {
			t.Fatal("still signed in")
		}
		w.refused(w.tenant, b.get(b.post(acs, form).location.String()), string(refusal.LoginUsed))
	})
	t.Run("of a login that was not used", func(t *testing.T) {
		b, sent, _ := signIn()
		_, _, used := request(t, sent)
		next := b.get(w.authorize(w.tenant, "prompt", "login"))
		_, _, open := request(t, next)
		address := w.sp(w.connection, "/again?login=")
		w.refused(w.tenant, b.get(address+open), string(refusal.LoginUsed))
		if a := b.get(address + used); a.status != http.StatusSeeOther {
			t.Errorf("the used one: %d", a.status)
		}
		w.refused(w.tenant, b.get(address+"nonsense"), string(refusal.LoginUsed))
	})
}

// TestAnswerThatComesTwiceAtOnce: a double click signs in once, and ends signed in.
func TestAnswerThatComesTwiceAtOnce(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		w := newWorld(t, db, store.Options{})
		w.activate(w.tenant)
		b := w.begin(w.tenant)
		form := w.answer(t, b.sent, ada(w.tenant), testidp.ResponseOptions{})
		answers := make([]answer, 4)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = b.post(w.sp(w.connection, "/acs"), form) })
		}
		all.Wait()
		codes := 0
		for _, a := range answers {
			if a.location.Query().Has("code") {
				codes++
				continue
			}
			w.ledBack(b.browser, a, w.url+"/sso/signed-in")
		}
		if codes != 1 {
			t.Errorf("%d codes", codes)
		}
	})
}
