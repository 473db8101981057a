package connection_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

func TestAddedAndRemovedCertificatesAreEvents(t *testing.T) {
	t.Parallel()
	both := []model.EventType{connection.CertificatesChanged, connection.CertificateRenewed}
	withMetadata(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection) {
		next := storetest.CertificateUntil(d.Now().AddDate(2, 0, 0))
		first := c.IDPCertificates[0]
		refresh := func(org *store.Org, certificates ...string) {
			mustGet(t)(connection.In(org).RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL,
				withCertificates(certificates...)))
		}
		for _, test := range []struct {
			name           string
			run            func()
			want           []model.EventType
			cause          connection.CertificateCause
			added, removed int
		}{
			{"metadata with a second one", func() { refresh(s.Org(org.ID, model.System), first, next) },
				both, connection.ByMetadata, 1, 0},
			{"the same in another order", func() { refresh(org, next, first) }, nil, "", 0, 0},
			{"metadata without the first one", func() { refresh(org, next) }, both[:1], connection.ByMetadata, 0, 1},
			{"replaced by an administrator", func() {
				mustGet(t)(connection.In(org).UpdateConnection(t.Context(), c.ID,
					func(c *connection.ConnectionFields) error { c.IDPCertificates = []string{first}; return nil }))
			}, both, connection.ByAdministrator, 1, 1},
			{"another name", func() {
				rename := func(c *connection.ConnectionFields) error { c.Name = "Entra"; return nil }
				mustGet(t)(connection.In(org).UpdateConnection(t.Context(), c.ID, rename))
			}, nil, "", 0, 0},
		} {
			if got := storetest.NewEvents(t, s, org, test.run); !slices.Equal(got, test.want) {
				t.Errorf("%s: got %v, want %v", test.name, got, test.want)
			}
			if test.want == nil {
				continue
			}
			e := lastEvent(t, s, org, connection.CertificatesChanged)
			if e["cause"] != string(test.cause) || len(e["added"].([]any)) != test.added ||
				len(e["removed"].([]any)) != test.removed || e["object"] != "connection" {
				t.Errorf("%s: got %v", test.name, e)
			}
		}
	})
}

func TestCertificatesThatExpireAreWarnedOfOnce(t *testing.T) {
	t.Parallel()
	withMetadata(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection) {
		check := func() (warned int) {
			t.Helper()
			due, err := connection.Across(s).ClaimCertificates(t.Context(), 10, time.Minute)
			storetest.Must(t, err)
			for _, c := range due {
				n, err := connection.In(s.Org(org.ID, model.System)).CheckCertificates(t.Context(), c.ID)
				storetest.Must(t, err)
				warned += n
			}
			return warned
		}
		for _, step := range []struct {
			name string
			pass time.Duration // since the step before
			days int           // in the warning; -1 for no warning
		}{
			{"a year before", 0, -1},
			{"91 days before", 274 * storetest.Day, -1},
			{"90 days before", storetest.Day, 90},
			{"80 days before", 10 * storetest.Day, -1},
			{"30 days before", 50 * storetest.Day, 30},
			{"six days before, without a check on the seventh", 24 * storetest.Day, 6},
			{"one day before", 5 * storetest.Day, 1},
			{"after the end", 3 * storetest.Day, -1},
		} {
			d.Advance(step.pass)
			n := check()
			if (n == 1) != (step.days >= 0) || n > 1 {
				t.Errorf("%s: %d warnings", step.name, n)
				continue
			}
			if again := check(); again != 0 {
				t.Errorf("%s: warned again", step.name)
			}
			if n == 0 {
				continue
			}
			e := lastEvent(t, s, org, connection.CertificateRenewalNeeded)
			certificate := e["certificate"].(map[string]any)
			if e["days_until_expiry"] != float64(step.days) || certificate["certificate_type"] != "ResponseSigning" ||
				certificate["is_expired"] != false || e["actor"] != "system" {
				t.Errorf("%s: got %v", step.name, e)
			}
		}
		mustGet(t)(connection.In(org).UpdateConnection(t.Context(), c.ID, func(c *connection.ConnectionFields) error {
			c.IDPCertificates = []string{
				storetest.CertificateUntil(d.Now().AddDate(0, 0, -1)),
				storetest.CertificateUntil(d.Now().AddDate(0, 0, 60)),
			}
			return nil
		}))
		if n := check(); n != 2 {
			t.Errorf("%d warnings of an expired certificate and one that expires in 60 days", n)
		}
	})
}

func TestStateOfACertificateFollowsItsDates(t *testing.T) {
	t.Parallel()
	now := modeltest.NewClock().Now()
	for want, end := range map[connection.CertificateState]time.Time{
		connection.CertificateValid: now.AddDate(0, 0, 91), connection.CertificateExpiring: now.AddDate(0, 0, 90),
		connection.CertificateExpired: now.Add(-time.Second), connection.CertificateNotYetValid: now.AddDate(3, 0, 0),
	} {
		c, err := connection.ReadCertificate(storetest.CertificateUntil(end), connection.ResponseSigning, now)
		if err != nil || c.State != want || c.Subject != "CN=idp" || len(c.Fingerprint) != 64 {
			t.Errorf("got %+v, %v, want %s", c, err, want)
		}
	}
}

// lastEvent returns the data of the last event of a type, and its actor.
func lastEvent(t testing.TB, s *store.Store, org *store.Org, of model.EventType) map[string]any {
	t.Helper()
	all := storetest.Events(t, s, org)
	slices.Reverse(all)
	for _, e := range all {
		if e.Type == of {
			out := map[string]any{"actor": string(e.Actor)}
			storetest.Must(t, json.Unmarshal([]byte(e.Data), &out))
			return out
		}
	}
	t.Fatalf("there is no event %s", of)
	return nil
}
