package connection_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// withCertificates returns a change of the certificates of the identity provider.
func withCertificates(certificates ...string) func(*connection.ConnectionFields) {
	return func(c *connection.ConnectionFields) { c.IDPCertificates = certificates }
}

// withMetadata runs a test on each database, with a connection whose metadata has an address.
func withMetadata(
	t *testing.T, test func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection),
) {
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		d := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: d.Now})
		org, _ := storetest.Organization(t, s, "contoso", "contoso.example")
		c := storetest.NewConnection()
		c.IDPMetadataURL = "https://idp.example/metadata"
		c.IDPCertificates = []string{storetest.CertificateUntil(d.Now().AddDate(1, 0, 0))}
		c.SPCertificate = storetest.CertificateUntil(d.Now().AddDate(20, 0, 0))
		c.MetadataTaken(d.Now())
		storetest.Must(t, connection.In(org).CreateConnection(t.Context(), c, []byte("key")))
		test(t, d, s, org, c)
	})
}

// mustGet returns a connection, or ends the test.
func mustGet(t testing.TB) func(*connection.Connection, error) *connection.Connection {
	return func(c *connection.Connection, err error) *connection.Connection {
		t.Helper()
		storetest.Must(t, err)
		return c
	}
}

func TestMetadataIsReadDaily(t *testing.T) {
	t.Parallel()
	withMetadata(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection) {
		claim := func() int {
			t.Helper()
			due, err := connection.Across(s).ClaimMetadata(t.Context(), 10, 5*time.Minute)
			storetest.Must(t, err)
			return len(due)
		}
		if n := claim(); n != 0 {
			t.Errorf("%d are due at once", n)
		}
		d.Advance(21 * time.Hour)
		if n := claim(); n != 0 {
			t.Errorf("%d are due after 21 hours", n)
		}
		d.Advance(3 * time.Hour)
		if n := claim(); n != 1 {
			t.Errorf("%d are due after a day", n)
		}
		if n := claim(); n != 0 {
			t.Errorf("another process gets %d as well", n)
		}
		d.Advance(6 * time.Minute)
		if n := claim(); n != 1 {
			t.Errorf("%d are due after the lease", n)
		}
		renewed := storetest.CertificateUntil(d.Now().AddDate(2, 0, 0))
		got, err := connection.In(org).RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL,
			func(c *connection.ConnectionFields) {
				c.IDPCertificates = append(c.IDPCertificates, renewed)
			})
		storetest.Must(t, err)
		if len(got.IDPCertificates) != 2 || got.MetadataRefreshedAt.Time() != d.Now() || got.MetadataError != "" {
			t.Errorf("got %+v", got)
		}
		d.Advance(storetest.Day)
		if n := claim(); n != 1 {
			t.Errorf("%d are due after another day", n)
		}
		_, err = connection.In(org).UpdateConnection(t.Context(), c.ID, func(c *connection.ConnectionFields) error {
			c.IDPMetadataURL = ""
			return nil
		})
		storetest.Must(t, err)
		d.Advance(3 * storetest.Day)
		if n := claim(); n != 0 {
			t.Errorf("%d are due without an address", n)
		}
	})
}

func TestOneProcessClaimsMetadata(t *testing.T) {
	t.Parallel()
	withMetadata(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, _ *store.Org, _ *connection.Connection) {
		d.Advance(storetest.Day)
		var claimed atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				due, err := connection.Across(s).ClaimMetadata(t.Context(), 10, time.Minute)
				if err != nil {
					t.Error(err)
				}
				claimed.Add(int32(len(due)))
			})
		}
		all.Wait()
		if n := claimed.Load(); n != 1 {
			t.Errorf("claimed %d times", n)
		}
	})
}

func TestRefusedMetadataChangesNothingButTheError(t *testing.T) {
	t.Parallel()
	withMetadata(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection) {
		before, err := connection.In(org).Connection(t.Context(), c.ID)
		storetest.Must(t, err)
		d.Advance(storetest.Day)
		renew := func(c *connection.ConnectionFields) {
			c.IDPCertificates = []string{storetest.CertificateUntil(d.Now())}
		}
		if _, err := connection.In(org).RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL,
			func(c *connection.ConnectionFields) {
				renew(c)
				c.IDPEntityID = "https://other.example"
			}); model.KindOf(err) != model.Invalid {
			t.Errorf("metadata of another identity provider: %v", err)
		}
		_, err = connection.In(org).RefreshMetadata(t.Context(), c.ID, "https://idp.example/elsewhere", renew)
		storetest.Must(t, err)
		mustGet(t)(connection.In(org).RefuseMetadata(t.Context(), c.ID, "https://idp.example/elsewhere", "gone"))
		after, err := connection.In(org).Connection(t.Context(), c.ID)
		storetest.Must(t, err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("it changed: %s", diff)
		}

		after = mustGet(t)(connection.In(org).
			RefuseMetadata(t.Context(), c.ID, c.IDPMetadataURL, "The host does not answer in time."))
		if after.MetadataError == "" || *after.MetadataRefreshedAt != *before.MetadataRefreshedAt ||
			after.UpdatedAt != before.UpdatedAt ||
			!slices.Equal(after.IDPCertificates, before.IDPCertificates) {
			t.Errorf("got %+v", after)
		}
		d.Advance(time.Hour)
		due, err := connection.Across(s).ClaimMetadata(t.Context(), 10, time.Minute)
		if err != nil || len(due) != 1 {
			t.Errorf("%d are due an hour after a failed attempt: %v", len(due), err)
		}
	})
}

func TestMetadataIsWantedAtMostEveryTenMinutes(t *testing.T) {
	t.Parallel()
	withMetadata(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection) {
		want := func() bool {
			t.Helper()
			c, err := connection.In(org).Connection(t.Context(), c.ID)
			storetest.Must(t, err)
			wanted, err := connection.In(org).WantMetadata(t.Context(), c)
			storetest.Must(t, err)
			return wanted
		}
		stale, err := connection.In(org).Connection(t.Context(), c.ID)
		storetest.Must(t, err)
		d.Advance(time.Minute)
		if !want() || want() {
			t.Error("it is not wanted once")
		}
		due, err := connection.Across(s).ClaimMetadata(t.Context(), 10, time.Minute)
		if err != nil || len(due) != 1 {
			t.Fatalf("%d are due: %v", len(due), err)
		}
		mustGet(t)(connection.In(org).RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL,
			func(*connection.ConnectionFields) {}))
		d.Advance(9 * time.Minute)
		if want() {
			t.Error("it is wanted again after nine minutes")
		}
		if wanted, err := connection.In(org).WantMetadata(t.Context(), stale); err != nil || wanted {
			t.Errorf("it is wanted by a login that read the connection before: %v", err)
		}
		d.Advance(2 * time.Minute)
		if !want() {
			t.Error("it is not wanted after eleven minutes")
		}
	})
}
