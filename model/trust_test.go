package model_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

var certificateKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil
	}
	return key
})

// certificateUntil is a certificate of its own that ends at a moment, in PEM; empty if none can be made.
func certificateUntil(end time.Time) string {
	key := certificateKey()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		return ""
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "idp"}, NotBefore: end.AddDate(-2, 0, 0), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// certified has an identity provider sign by these certificates.
func certified(certificates ...string) func(*model.ConnectionFields) {
	return func(c *model.ConnectionFields) { c.IDPCertificates = certificates }
}

// trusting runs a test on a connection whose metadata has an address, under a clock.
func trusting(t *testing.T, test func(t *testing.T, d *modeltest.Clock, s *model.Store, org *model.Org, c *model.Connection)) {
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		d := modeltest.NewClock()
		s := modeltest.Open(t, db, model.Options{Now: d.Now})
		org, _ := organization(t, s, "contoso", "contoso.example")
		c := newConnection()
		c.IDPMetadataURL = "https://idp.example/metadata"
		c.IDPCertificates = []string{certificateUntil(d.Now().AddDate(1, 0, 0))}
		c.SPCertificate = certificateUntil(d.Now().AddDate(20, 0, 0))
		c.MetadataTaken(d.Now())
		must(t, org.CreateConnection(t.Context(), c, []byte("key")))
		test(t, d, s, org, c)
	})
}

func TestMetadataIsReadDaily(t *testing.T) {
	t.Parallel()
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *model.Store, org *model.Org, c *model.Connection) {
		claim := func() int {
			t.Helper()
			due, err := s.ClaimMetadata(t.Context(), 10, 5*time.Minute)
			must(t, err)
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
		renewed := certificateUntil(d.Now().AddDate(2, 0, 0))
		got, err := org.RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL, func(c *model.ConnectionFields) {
			c.IDPCertificates = append(c.IDPCertificates, renewed)
		})
		must(t, err)
		if len(got.IDPCertificates) != 2 || got.MetadataRefreshedAt.Time() != d.Now() || got.MetadataError != "" {
			t.Errorf("got %+v", got)
		}
		d.Advance(day)
		if n := claim(); n != 1 {
			t.Errorf("%d are due after another day", n)
		}
		_, err = org.UpdateConnection(t.Context(), c.ID, func(c *model.ConnectionFields) error {
			c.IDPMetadataURL = ""
			return nil
		})
		must(t, err)
		d.Advance(3 * day)
		if n := claim(); n != 0 {
			t.Errorf("%d are due without an address", n)
		}
	})
}

func TestMetadataIsClaimedOnce(t *testing.T) {
	t.Parallel()
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *model.Store, _ *model.Org, _ *model.Connection) {
		d.Advance(day)
		var claimed atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				due, err := s.ClaimMetadata(t.Context(), 10, time.Minute)
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
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *model.Store, org *model.Org, c *model.Connection) {
		before, err := org.Connection(t.Context(), c.ID)
		must(t, err)
		d.Advance(day)
		renew := func(c *model.ConnectionFields) { c.IDPCertificates = []string{certificateUntil(d.Now())} }
		if _, err := org.RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL, func(c *model.ConnectionFields) {
			renew(c)
			c.IDPEntityID = "https://other.example"
		}); model.KindOf(err) != model.Invalid {
			t.Errorf("metadata of another identity provider: %v", err)
		}
		_, err = org.RefreshMetadata(t.Context(), c.ID, "https://idp.example/elsewhere", renew)
		must(t, err)
		must2(t)(org.RefuseMetadata(t.Context(), c.ID, "https://idp.example/elsewhere", "gone"))
		after, err := org.Connection(t.Context(), c.ID)
		must(t, err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("it changed: %s", diff)
		}

		after = must2(t)(org.RefuseMetadata(t.Context(), c.ID, c.IDPMetadataURL, "The host does not answer in time."))
		if after.MetadataError == "" || *after.MetadataRefreshedAt != *before.MetadataRefreshedAt || after.UpdatedAt != before.UpdatedAt ||
			!slices.Equal(after.IDPCertificates, before.IDPCertificates) {
			t.Errorf("got %+v", after)
		}
		d.Advance(time.Hour)
		due, err := s.ClaimMetadata(t.Context(), 10, time.Minute)
		if err != nil || len(due) != 1 {
			t.Errorf("%d are due an hour after an attempt in vain: %v", len(due), err)
		}
	})
}

func must2(t testing.TB) func(*model.Connection, error) *model.Connection {
	return func(c *model.Connection, err error) *model.Connection {
		t.Helper()
		must(t, err)
		return c
	}
}

func TestMetadataIsWantedAtMostEveryTenMinutes(t *testing.T) {
	t.Parallel()
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *model.Store, org *model.Org, c *model.Connection) {
		want := func() bool {
			t.Helper()
			c, err := org.Connection(t.Context(), c.ID)
			must(t, err)
			wanted, err := org.WantMetadata(t.Context(), c)
			must(t, err)
			return wanted
		}
		stale, err := org.Connection(t.Context(), c.ID)
		must(t, err)
		d.Advance(time.Minute)
		if !want() || want() {
			t.Error("it is not wanted once")
		}
		due, err := s.ClaimMetadata(t.Context(), 10, time.Minute)
		if err != nil || len(due) != 1 {
			t.Fatalf("%d are due: %v", len(due), err)
		}
		must2(t)(org.RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL, func(*model.ConnectionFields) {}))
		d.Advance(9 * time.Minute)
		if want() {
			t.Error("it is wanted again after nine minutes")
		}
		if wanted, err := org.WantMetadata(t.Context(), stale); err != nil || wanted {
			t.Errorf("who has read the connection before has it wanted: %v", err)
		}
		d.Advance(2 * time.Minute)
		if !want() {
			t.Error("it is not wanted after eleven minutes")
		}
	})
}

// data reads the last event of a type.
func lastEvent(t testing.TB, s *model.Store, org *model.Org, of model.EventType) map[string]any {
	t.Helper()
	all := events(t, s, org)
	slices.Reverse(all)
	for _, e := range all {
		if e.Type == of {
			out := map[string]any{"actor": string(e.Actor)}
			must(t, json.Unmarshal([]byte(e.Data), &out))
			return out
		}
	}
	t.Fatalf("there is no event %s", of)
	return nil
}

func TestCertificatesThatComeAndGoAreEvents(t *testing.T) {
	t.Parallel()
	both := []model.EventType{model.CertificatesChanged, model.CertificateRenewed}
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *model.Store, org *model.Org, c *model.Connection) {
		next := certificateUntil(d.Now().AddDate(2, 0, 0))
		first := c.IDPCertificates[0]
		for _, test := range []struct {
			name           string
			run            func()
			want           []model.EventType
			cause          model.CertificateCause
			added, removed int
		}{
			{"the next beside the first, by metadata", func() {
				must2(t)(s.Org(org.ID, model.System).RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL, certified(first, next)))
			}, both, model.ByMetadata, 1, 0},
			{"the same in another order", func() {
				must2(t)(org.RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL, certified(next, first)))
			}, nil, "", 0, 0},
			{"the first gone", func() {
				must2(t)(org.RefreshMetadata(t.Context(), c.ID, c.IDPMetadataURL, certified(next)))
			}, both[:1], model.ByMetadata, 0, 1},
			{"replaced by hand", func() {
				must2(t)(org.UpdateConnection(t.Context(), c.ID, func(c *model.ConnectionFields) error {
					c.IDPCertificates = []string{first}
					return nil
				}))
			}, both, model.ByAdministrator, 1, 1},
			{"another name", func() {
				rename := func(c *model.ConnectionFields) error { c.Name = "Entra"; return nil }
				must2(t)(org.UpdateConnection(t.Context(), c.ID, rename))
			}, nil, "", 0, 0},
		} {
			if got := newEvents(t, s, org, test.run); !slices.Equal(got, test.want) {
				t.Errorf("%s: got %v, want %v", test.name, got, test.want)
			}
			if test.want == nil {
				continue
			}
			e := lastEvent(t, s, org, model.CertificatesChanged)
			if e["cause"] != string(test.cause) || len(e["added"].([]any)) != test.added || len(e["removed"].([]any)) != test.removed || e["object"] != "connection" {
				t.Errorf("%s: got %v", test.name, e)
			}
		}
	})
}

func TestCertificatesThatEndAreWarnedOf(t *testing.T) {
	t.Parallel()
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *model.Store, org *model.Org, c *model.Connection) {
		check := func() (warned int) {
			t.Helper()
			due, err := s.ClaimCertificates(t.Context(), 10, time.Minute)
			must(t, err)
			for _, c := range due {
				n, err := s.Org(org.ID, model.System).CheckCertificates(t.Context(), c.ID)
				must(t, err)
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
			{"91 days before", 274 * day, -1},
			{"90 days before", day, 90},
			{"80 days before", 10 * day, -1},
			{"30 days before", 50 * day, 30},
			{"six days before, the seventh having been missed", 24 * day, 6},
			{"one day before", 5 * day, 1},
			{"after the end", 3 * day, -1},
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
			e := lastEvent(t, s, org, model.CertificateRenewalNeeded)
			certificate := e["certificate"].(map[string]any)
			if e["days_until_expiry"] != float64(step.days) || certificate["certificate_type"] != "ResponseSigning" || certificate["is_expired"] != false || e["actor"] != "system" {
				t.Errorf("%s: got %v", step.name, e)
			}
		}
		must2(t)(org.UpdateConnection(t.Context(), c.ID, func(c *model.ConnectionFields) error {
			c.IDPCertificates = []string{certificateUntil(d.Now().AddDate(0, 0, -1)), certificateUntil(d.Now().AddDate(0, 0, 60))}
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
	for want, end := range map[model.CertificateState]time.Time{
		model.CertificateValid: now.AddDate(0, 0, 91), model.CertificateExpiring: now.AddDate(0, 0, 90),
		model.CertificateExpired: now.Add(-time.Second), model.CertificateNotYetValid: now.AddDate(3, 0, 0),
	} {
		c, err := model.ReadCertificate(certificateUntil(end), model.ResponseSigning, now)
		if err != nil || c.State != want || c.Subject != "CN=idp" || len(c.Fingerprint) != 64 {
			t.Errorf("got %+v, %v, want %s", c, err, want)
		}
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	trusting(t, func(t *testing.T, d *modeltest.Clock, s *model.Store, org *model.Org, c *model.Connection) {
		ctx := t.Context()
		first, second := c.SPCertificate, certificateUntil(d.Now().AddDate(20, 0, 0))
		id := func(text string) string {
			read, err := model.ReadCertificate(text, model.RequestSigning, d.Now())
			must(t, err)
			return read.Fingerprint
		}
		holds := func(current, standby string) {
			t.Helper()
			c, err := org.Connection(ctx, c.ID)
			must(t, err)
			a, err := s.ConnectionKey(c)
			must(t, err)
			b, err := s.StandbyKey(c)
			must(t, err)
			if string(a) != current || string(b) != standby {
				t.Errorf("the keys are %q and %q, want %q and %q", a, b, current, standby)
			}
		}
		holds("key", "")
		if _, err := org.DeleteKey(ctx, c.ID, id(first)); model.KindOf(err) != model.Conflict {
			t.Errorf("the only key is deleted: %v", err)
		}
		if got := newEvents(t, s, org, func() { must2(t)(org.AddKey(ctx, c.ID, second, []byte("next"))) }); !slices.Equal(got, []model.EventType{model.CertificatesChanged}) {
			t.Errorf("a key that stands by leaves %v", got)
		}
		holds("key", "next")
		if _, err := org.AddKey(ctx, c.ID, certificateUntil(d.Now()), []byte("third")); model.KindOf(err) != model.Conflict {
			t.Errorf("there is a third key: %v", err)
		}
		if got := newEvents(t, s, org, func() { must2(t)(org.PromoteKey(ctx, c.ID, id(second))) }); !slices.Equal(got, []model.EventType{model.CertificateRenewed}) {
			t.Errorf("a promotion leaves %v", got)
		}
		if e := lastEvent(t, s, org, model.CertificateRenewed); e["certificate"].(map[string]any)["certificate_type"] != "RequestSigning" {
			t.Errorf("got %v", e)
		}
		holds("next", "key")
		if got := newEvents(t, s, org, func() { must2(t)(org.PromoteKey(ctx, c.ID, id(second))) }); len(got) != 0 {
			t.Errorf("a second promotion leaves %v", got)
		}
		if _, err := org.DeleteKey(ctx, c.ID, id(second)); model.KindOf(err) != model.Conflict {
			t.Errorf("the key that is in use is deleted: %v", err)
		}
		if _, err := org.PromoteKey(ctx, c.ID, "0"); model.KindOf(err) != model.NotFound {
			t.Errorf("an unknown key is promoted: %v", err)
		}
		must2(t)(org.UpdateConnection(ctx, c.ID, func(c *model.ConnectionFields) error { c.Name = "Entra"; return nil }))
		holds("next", "key")
		must2(t)(org.DeleteKey(ctx, c.ID, id(first)))
		holds("next", "")
	})
}
