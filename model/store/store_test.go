package store_test

import (
	"context"
	"errors"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/search"
	"rollcall/model/store"
)

func TestTx(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		boom := errors.New("boom")
		write := func(org *store.Org) error {
			_, err := directory.Of(org, d.ID).CreateUser(t.Context(), storetest.Person("ada@contoso.example"))
			return err
		}
		t.Run("an error after a write leaves neither row nor event", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				err := org.Tx(t.Context(), func(org *store.Org) error { return errors.Join(write(org), boom) })
				if !errors.Is(err, boom) {
					t.Fatal(err)
				}
			})
		})
		t.Run("an error of a joined Tx undoes everything although it is swallowed", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				err := org.Tx(t.Context(), func(org *store.Org) error {
					_ = org.Tx(t.Context(), func(org *store.Org) error { return errors.Join(write(org), boom) })
					return nil
				})
				if !errors.Is(err, boom) {
					t.Fatal(err)
				}
			})
		})
		t.Run("a panic undoes everything, passes on, and leaves the store usable", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				defer func() {
					if recover() != boom {
						t.Fatal("the panic did not pass on")
					}
				}()
				_ = org.Tx(t.Context(), func(org *store.Org) error {
					if err := write(org); err != nil {
						t.Fatal(err)
					}
					panic(boom)
				})
			})
			_, err := directory.In(org).UpdateDirectory(t.Context(), d.ID, storetest.Named("After the panic"))
			storetest.Must(t, err)
		})
		t.Run("its writes are read in it, and outside of it only afterwards", func(t *testing.T) {
			storetest.Must(t, org.Tx(t.Context(), func(inside *store.Org) error {
				if err := write(inside); err != nil {
					return err
				}
				for _, read := range []struct {
					org  *store.Org
					want int
				}{{inside, 1}, {org, 0}} {
					_, extent, err := directory.Of(read.org, d.ID).Users(t.Context(), search.Query{})
					if n := extent.Total; err != nil || n != read.want {
						t.Errorf("%d users are seen, want %d: %v", n, read.want, err)
					}
				}
				return nil
			}))
			_, extent, err := directory.Of(org, d.ID).Users(t.Context(), search.Query{})
			if err != nil || extent.Total != 1 {
				t.Fatal(extent.Total, err)
			}
		})
		t.Run("a context that ends undoes everything", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				ctx, cancel := context.WithCancel(t.Context())
				err := org.Tx(ctx, func(org *store.Org) error {
					grace := storetest.Person("grace@contoso.example")
					_, err := directory.Of(org, d.ID).CreateUser(ctx, grace)
					cancel()
					return err
				})
				storetest.WantKind(t, err, model.Unavailable)
			})
		})
	})
}
