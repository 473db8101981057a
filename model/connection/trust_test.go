package connection_test

import (
	"encoding/json"
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

// certified has an identity provider sign by these certificates.
func certified(certificates ...string) func(*connection.ConnectionFields) {
	return func(c *connection.ConnectionFields) { c.IDPCertificates = certificates }
}

// trusting runs a test on a connection whose metadata has an address, under a clock.
func trusting(
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

func TestMetadataIsReadDaily(t *testing.T) {
	t.Parallel()
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection) {
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
			t.Errorf("another replica gets %d as well", n)
		}
		d.Advance(6 * time.Minute)
		if n := claim(); n != 1 {
			t.Errorf("%d are due once the lease ended in vain", n)
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

func TestMetadataIsClaimedOnce(t *testing.T) {
	t.Parallel()
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, _ *store.Org, _ *connection.Connection) {
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

func TestMetadataThatIsNotTakenOver(t *testing.T) {
	t.Parallel()
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection) {
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
		must2(t)(connection.In(org).RefuseMetadata(t.Context(), c.ID, "https://idp.example/elsewhere", "gone"))
		after, err := connection.In(org).Connection(t.Context(), c.ID)
		storetest.Must(t, err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("it changed: %s", diff)
		}

		after = must2(t)(connection.In(org).
			RefuseMetadata(t.Context(), c.ID, c.IDPMetadataURL, "The host does not answer in time."))
		if after.MetadataError == "" || *after.MetadataRefreshedAt != *before.MetadataRefreshedAt ||
			after.UpdatedAt != before.UpdatedAt ||
			!slices.Equal(after.IDPCertificates, before.IDPCertificates) {
			t.Errorf("got %+v", after)
		}
		d.Advance(time.Hour)
		due, err := connection.Across(s).ClaimMetadata(t.Context(), 10, time.Minute)
		if err != nil || len(due) != 1 {
			t.Errorf("%d are due an hour after an attempt in vain: %v", len(due), err)
		}
	})
}

func must2(t testing.TB) func(*connection.Connection, error) *connection.Connection {
	return func(c *connection.Connection, err error) *connection.Connection {
		t.Helper()
		storetest.Must(t, err)
		return c
	}
}

func TestMetadataIsWantedAtMostEveryTenMinutes(t *testing.T) {
	t.Parallel()
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection) {
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
		must2(t)(connection.In(org).RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL,
			func(*connection.ConnectionFields) {}))
		d.Advance(9 * time.Minute)
		if want() {
			t.Error("it is wanted again after nine minutes")
		}
		if wanted, err := connection.In(org).WantMetadata(t.Context(), stale); err != nil || wanted {
			t.Errorf("who has read the connection before has it wanted: %v", err)
		}
		d.Advance(2 * time.Minute)
		if !want() {
			t.Error("it is not wanted after eleven minutes")
		}
	})
}

// data reads the last event of a type.
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

func TestCertificatesThatComeAndGoAreEvents(t *testing.T) {
	t.Parallel()
	both := []model.EventType{connection.CertificatesChanged, connection.CertificateRenewed}
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection) {
		next := storetest.CertificateUntil(d.Now().AddDate(2, 0, 0))
		first := c.IDPCertificates[0]
		for _, test := range []struct {
			name           string
			run            func()
			want           []model.EventType
			cause          connection.CertificateCause
			added, removed int
		}{
			{"the next beside the first, by metadata", func() {
				must2(t)(connection.In(s.Org(org.ID, model.System)).RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL,
					certified(first, next)))
			}, both, connection.ByMetadata, 1, 0},
			{"the same in another order", func() {
				must2(t)(connection.In(org).RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL,
					certified(next, first)))
			}, nil, "", 0, 0},
			{"the first gone", func() {
				must2(t)(connection.In(org).RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL, certified(next)))
			}, both[:1], connection.ByMetadata, 0, 1},
			{"replaced by hand", func() {
				must2(t)(connection.In(org).
					UpdateConnection(t.Context(), c.ID, func(c *connection.ConnectionFields) error {
						c.IDPCertificates = []string{first}
						return nil
					}))
			}, both, connection.ByAdministrator, 1, 1},
			{"another name", func() {
				rename := func(c *connection.ConnectionFields) error { c.Name = "Entra"; return nil }
				must2(t)(connection.In(org).UpdateConnection(t.Context(), c.ID, rename))
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

func TestCertificatesThatEndAreWarnedOf(t *testing.T) {
	t.Parallel()
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection) {
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
			turn time.Duration
			days int // of the warning; -1 for none
		}{
			{"a year before", 0, -1},
			{"91 days before", 274 * storetest.Day, -1},
			{"90 days before", storetest.Day, 90},
			{"80 days before", 10 * storetest.Day, -1},
			{"30 days before", 50 * storetest.Day, 30},
			{"six days before, the seventh having been missed", 24 * storetest.Day, 6},
			{"one day before", 5 * storetest.Day, 1},
			{"after the end", 3 * storetest.Day, -1},
		} {
			d.Advance(step.turn)
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
		must2(t)(connection.In(org).UpdateConnection(t.Context(), c.ID, func(c *connection.ConnectionFields) error {
			c.IDPCertificates = []string{
				storetest.CertificateUntil(d.Now().AddDate(0, 0, -1)),
				storetest.CertificateUntil(d.Now().AddDate(0, 0, 60)),
			}
			return nil
		}))
		if n := check(); n != 2 {
			t.Errorf("%d warnings of a certificate that has ended and one that ends in 60 days", n)
		}
	})
}

func TestCertificateStates(t *testing.T) {
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

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *store.Store, org *store.Org, c *connection.Connection) {
		ctx := t.Context()
		first, second := c.SPCertificate, storetest.CertificateUntil(d.Now().AddDate(20, 0, 0))
		id := func(text string) string {
			read, err := connection.ReadCertificate(text, connection.RequestSigning, d.Now())
			storetest.Must(t, err)
			return read.Fingerprint
		}
		holds := func(current, standby string) {
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
		holds("key", "")
		if _, err := connection.In(org).DeleteKey(ctx, c.ID, id(first)); model.KindOf(err) != model.Conflict {
			t.Errorf("the only key is deleted: %v", err)
		}
		if got := storetest.NewEvents(t, s, org, func() {
			must2(t)(connection.In(org).AddKey(ctx, c.ID, second, []byte("next")))
		}); !slices.Equal(got, []model.EventType{connection.CertificatesChanged}) {
			t.Errorf("a key that stands by leaves %v", got)
		}
		holds("key", "next")
		if _, err := connection.In(org).AddKey(ctx, c.ID, storetest.CertificateUntil(d.Now()),
			[]byte("third")); model.KindOf(err) != model.Conflict {
			t.Errorf("there is a third key: %v", err)
		}
		if got := storetest.NewEvents(t, s, org, func() {
			must2(t)(connection.In(org).PromoteKey(ctx, c.ID, id(second)))
		}); !slices.Equal(got, []model.EventType{connection.CertificateRenewed}) {
			t.Errorf("a promotion leaves %v", got)
		}
		e := lastEvent(t, s, org, connection.CertificateRenewed)
		if e["certificate"].(map[string]any)["certificate_type"] != "RequestSigning" {
			t.Errorf("got %v", e)
		}
		holds("next", "key")
		if got := storetest.NewEvents(t, s, org, func() {
			must2(t)(connection.In(org).PromoteKey(ctx, c.ID, id(second)))
		}); len(got) != 0 {
			t.Errorf("a second promotion leaves %v", got)
		}
		if _, err := connection.In(org).DeleteKey(ctx, c.ID, id(second)); model.KindOf(err) != model.Conflict {
			t.Errorf("the key that is in use is deleted: %v", err)
		}
		if _, err := connection.In(org).PromoteKey(ctx, c.ID, "0"); model.KindOf(err) != model.NotFound {
			t.Errorf("an unknown key is promoted: %v", err)
		}
		must2(t)(connection.In(org).
			UpdateConnection(ctx, c.ID, func(c *connection.ConnectionFields) error { c.Name = "Entra"; return nil }))
		holds("next", "key")
		must2(t)(connection.In(org).DeleteKey(ctx, c.ID, id(first)))
		holds("next", "")
	})
}
