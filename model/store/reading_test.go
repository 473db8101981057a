package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// A statement whose rows are being read ends with its context, and its connection is free again:
// the driver watches the context, as package sql does not.
func TestReadingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.Postgres(t), store.Options{})
	for range 20 { // more often than there are connections
		ctx, leave := context.WithCancel(t.Context())
		// A row fills a packet, so that the first one comes long before the last.
		rows, err := storetest.Across(s, ctx).Raw("SELECT repeat('x', 20000), pg_sleep(0.005) " +
			"FROM generate_series(1, 5000)").Rows()
		storetest.Must(t, err)
		if !rows.Next() {
			t.Fatalf("no row: %v", rows.Err())
		}
		began := time.Now()
		leave()
		for rows.Next() {
		}
		if err := errors.Join(rows.Err(), rows.Close()); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the rows ended after %s", took)
		}
	}
	var one int
	storetest.Must(t, storetest.Across(s, t.Context()).Raw("SELECT 1").Row().Scan(&one))
}
