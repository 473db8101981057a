package store_test

import (
	"context"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// Whatever is asked of a database that accepts and is silent ends with its deadline, with an error
// that tells to try again, on connections of before and on new ones.
func TestSilentDatabase(t *testing.T) {
	t.Parallel()
	silent, db := modeltest.NewSilence(t, modeltest.Postgres(t))
	s := modeltest.Open(t, db, store.Options{})
	org, d := storetest.Contoso(t, s)
	u := storetest.CreateUser(t, org, d, "ada@contoso.example")
	silent.Store(true)
	for name := range uses(t.Context(), s, org, d, u) {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := uses(ctx, s, org, d, u)[name]()
		cancel()
		if model.KindOf(err) != model.Unavailable {
			t.Errorf("%s: kind %d, %v", name, model.KindOf(err), err)
		} else {
			checkMessage(t, err)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
	silent.Store(false)
	for name, use := range uses(t.Context(), s, org, d, u) {
		if err := use(); err != nil && model.KindOf(err) != model.Denied {
			t.Errorf("%s after the database's return: %v", name, err)
		}
	}
}
