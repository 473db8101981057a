package connection_test

import (
	"slices"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

func TestKeysAreAddedPromotedAndDeleted(t *testing.T) {
	t.Parallel()
	withMetadata(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection) {
		ctx := t.Context()
		first, second := c.SPCertificate, storetest.CertificateUntil(d.Now().AddDate(20, 0, 0))
		id := func(text string) string {
			read, err := connection.ReadCertificate(text, connection.RequestSigning, d.Now())
			storetest.Must(t, err)
			return read.Fingerprint
		}
		wantKeys := func(current, standby string) {
			t.Helper()
			c, err := connection.In(org).Connection(ctx, c.ID)
			storetest.Must(t, err)
			a, err := connection.Across(s).ConnectionKey(c)
			storetest.Must(t, err)
			b, err := connection.Across(s).StandbyKey(c)
			storetest.Must(t, err)
			if string(a) != current || string(b) != standby {
				t.Errorf("the keys are %q and %q, want %q and %q", a, b, current, standby)
			}
		}
		wantKeys("key", "")
		if _, err := connection.In(org).DeleteKey(ctx, c.ID, id(first)); model.KindOf(err) != model.Conflict {
			t.Errorf("the only key is deleted: %v", err)
		}
		if got := storetest.NewEvents(t, s, org, func() {
			mustGet(t)(connection.In(org).AddKey(ctx, c.ID, second, []byte("next")))
		}); !slices.Equal(got, []model.EventType{connection.CertificatesChanged}) {
			t.Errorf("a second key records %v", got)
		}
		wantKeys("key", "next")
		if _, err := connection.In(org).AddKey(ctx, c.ID, storetest.CertificateUntil(d.Now()),
			[]byte("third")); model.KindOf(err) != model.Conflict {
			t.Errorf("there is a third key: %v", err)
		}
		if got := storetest.NewEvents(t, s, org, func() {
			mustGet(t)(connection.In(org).PromoteKey(ctx, c.ID, id(second)))
		}); !slices.Equal(got, []model.EventType{connection.CertificateRenewed}) {
			t.Errorf("a promotion records %v", got)
		}
		e := lastEvent(t, s, org, connection.CertificateRenewed)
		if e["certificate"].(map[string]any)["certificate_type"] != "RequestSigning" {
			t.Errorf("got %v", e)
		}
		wantKeys("next", "key")
		if got := storetest.NewEvents(t, s, org, func() {
			mustGet(t)(connection.In(org).PromoteKey(ctx, c.ID, id(second)))
		}); len(got) != 0 {
			t.Errorf("a second promotion records %v", got)
		}
		if _, err := connection.In(org).DeleteKey(ctx, c.ID, id(second)); model.KindOf(err) != model.Conflict {
			t.Errorf("the key that is in use is deleted: %v", err)
		}
		if _, err := connection.In(org).PromoteKey(ctx, c.ID, "0"); model.KindOf(err) != model.NotFound {
			t.Errorf("an unknown key is promoted: %v", err)
		}
		rename := func(c *connection.ConnectionFields) error { c.Name = "Entra"; return nil }
		mustGet(t)(connection.In(org).UpdateConnection(ctx, c.ID, rename))
		wantKeys("next", "key")
		mustGet(t)(connection.In(org).DeleteKey(ctx, c.ID, id(first)))
		wantKeys("next", "")
	})
}
