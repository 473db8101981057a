package organization_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/store"
)

// zone is what DNS says.
type zone struct {
	mu    sync.Mutex
	texts map[string][]string
	down  bool
	asked int
}

func (z *zone) lookup(_ context.Context, name string) ([]string, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked++
	switch {
	case z.down:
		return nil, errors.New("server misbehaving")
	case len(z.texts[name]) == 0:
		return nil, model.NotFoundf("no such host")
	}
	return z.texts[name], nil
}

// publish makes the record of domains, beside another one.
func (z *zone) publish(ds ...*organization.Domain) {
	z.texts = map[string][]string{}
	for _, d := range ds {
		name := "_sso-verify." + d.Domain
		z.texts[name] = append(z.texts[name], d.VerificationToken, "v=spf1 -all")
	}
}

// proofs is a store with a watch over a zone, and a clock.
type proofs struct {
	t     *testing.T
	s     *store.Store
	clock *modeltest.Clock
	zone  *zone
	watch *organization.DomainWatch
}

func eachProof(t *testing.T, test func(t *testing.T, p proofs)) {
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		p := proofs{t: t, clock: modeltest.NewClock(), zone: &zone{}}
		p.s = modeltest.Open(t, db, store.Options{Now: p.clock.Now})
		p.watch = organization.NewDomainWatch(organization.Across(p.s), p.zone.lookup)
		test(t, p)
	})
}

// pass lets time go by in steps, with a round of the watch after each.
func (p proofs) pass(d, step time.Duration) {
	p.t.Helper()
	for ; d > 0; d -= step {
		p.clock.Advance(min(d, step))
		_, err := p.watch.RunOnce(p.t.Context())
		storetest.Must(p.t, err)
	}
}

func (p proofs) claim(org *store.Org, name string) *organization.Domain {
	p.t.Helper()
	d, err := organization.In(org).CreateDomain(p.t.Context(), name, organization.DomainStatePending)
	storetest.Must(p.t, err)
	return d
}

func (p proofs) check(org *store.Org, d *organization.Domain) *organization.Domain {
	p.t.Helper()
	d, err := p.watch.Check(p.t.Context(), organization.In(org), d.ID)
	storetest.Must(p.t, err)
	return d
}

func (p proofs) state(org *store.Org, d *organization.Domain, want organization.DomainState) *organization.Domain {
	p.t.Helper()
	now, err := organization.In(org).Domain(p.t.Context(), d.ID)
	storetest.Must(p.t, err)
	if now.State != want {
		p.t.Errorf("it is %s, not %s: %+v", now.State, want, now)
	}
	g, err := organization.Across(p.s).OrganizationByDomain(p.t.Context(), d.Domain)
	if trusted := err == nil && g.ID == org.ID; trusted != (want == organization.DomainStateVerified) {
		p.t.Errorf("it is %s, and sign-on trusts it: %t", want, trusted)
	}
	return now
}

func (p proofs) events(org *store.Org, run func(), want ...model.EventType) {
	p.t.Helper()
	if diff := cmp.Diff(append([]model.EventType{}, want...), storetest.NewEvents(p.t, p.s, org, run)); diff != "" {
		p.t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestDomainProof(t *testing.T) {
	t.Parallel()
	eachProof(t, func(t *testing.T, p proofs) {
		org, _ := storetest.Contoso(t, p.s)
		t.Run("a pending domain is asked for in growing pauses and fails after seven days", func(t *testing.T) {
			d := p.claim(org, "late.example")
			p.zone.asked = 0
			p.events(org, func() { p.pass(7*storetest.Day-time.Minute, 30*time.Second*60) })
			if d = p.state(org, d, organization.DomainStatePending); p.zone.asked < 20 || p.zone.asked > 60 || d.Finding != organization.DomainRecordMissing {
				t.Errorf("DNS was asked %d times: %+v", p.zone.asked, d)
			}
			p.events(org, func() { p.pass(7*time.Hour, time.Hour) }, organization.DomainVerificationFailed)
			all := storetest.Events(t, p.s, org)
			if data := all[len(all)-1].Data; !strings.Contains(data, `"reason":"domain_verification_period_expired"`) || !strings.Contains(data, `"state":"failed"`) {
				t.Error(data)
			}
			p.zone.asked = 0
			p.pass(30*storetest.Day, 10*storetest.Day)
			if p.state(org, d, organization.DomainStateFailed); p.zone.asked != 0 {
				t.Error("a failed domain is asked for")
			}
			p.check(org, d)
			p.state(org, d, organization.DomainStatePending) // claimed anew
			p.zone.publish(d)
			p.check(org, d)
			p.state(org, d, organization.DomainStateVerified)
		})
		for name, texts := range map[string][]string{
			"nothing": nil, "another text": {"v=spf1 -all"}, "more than the token": {"token=TOKEN", "TOKEN "}, "another case": {"token"},
		} {
			t.Run(name+" proves nothing", func(t *testing.T) {
				d := p.claim(org, strings.ReplaceAll(name, " ", "-")+".example")
				p.zone.publish(d)
				var sent []string
				for _, text := range texts {
					text = strings.ReplaceAll(strings.ReplaceAll(text, "TOKEN", d.VerificationToken), "token", strings.ToLower(d.VerificationToken))
					sent = append(sent, text)
				}
				p.zone.texts["_sso-verify."+d.Domain] = sent
				p.zone.texts[d.Domain] = []string{d.VerificationToken} // and not there
				if d = p.check(org, d); d.Finding != organization.DomainRecordMissing {
					t.Errorf("%+v", d)
				}
				p.state(org, d, organization.DomainStatePending)
			})
		}
		t.Run("a record proves its domain, by itself and nothing below or above it", func(t *testing.T) {
			d, below := p.claim(org, "Bücher.example"), p.claim(org, "mail.xn--bcher-kva.example")
			p.zone.publish(d)
			p.events(org, func() { p.pass(time.Minute, time.Minute) }, organization.DomainVerified)
			if d = p.state(org, d, organization.DomainStateVerified); d.VerificationStrategy != "dns" || d.Domain != "xn--bcher-kva.example" {
				t.Errorf("%+v", d)
			}
			p.state(org, below, organization.DomainStatePending)
		})
		t.Run("another organization's token proves nothing", func(t *testing.T) {
			other, _ := storetest.Organization(t, p.s, "Fabrikam", "fabrikam.example")
			ours, theirs := p.claim(org, "token.example"), p.claim(other, "token.example")
			p.zone.publish(theirs)
			p.check(org, ours)
			p.state(org, ours, organization.DomainStatePending)
		})
		t.Run("what gives addresses to everybody is refused", func(t *testing.T) {
			for _, name := range []string{"gmail.com", "GMX.de.", "co.uk", "github.io", "com", "192.0.2.1", "a..b", ""} {
				for _, state := range []organization.DomainState{organization.DomainStatePending, organization.DomainStateVerified} {
					storetest.Unchanged(t, p.s, func() {
						_, err := organization.In(org).CreateDomain(t.Context(), name, state)
						storetest.WantKind(t, err, model.Invalid, "domain")
					})
				}
			}
		})
	})
}

func TestDomainRecheck(t *testing.T) {
	t.Parallel()
	eachProof(t, func(t *testing.T, p proofs) {
		org, _ := storetest.Contoso(t, p.s)
		d := p.claim(org, "proven.example")
		p.zone.publish(d)
		p.pass(time.Minute, time.Minute)
		t.Run("a proven domain is asked for once a week", func(t *testing.T) {
			p.zone.asked = 0
			p.events(org, func() { p.pass(28*storetest.Day, 6*time.Hour) })
			if p.zone.asked != 4 {
				t.Errorf("asked %d times", p.zone.asked)
			}
		})
		t.Run("an outage of DNS takes no trust away, however long", func(t *testing.T) {
			p.zone.down = true
			p.events(org, func() { p.pass(30*storetest.Day, 6*time.Hour) })
			if d := p.state(org, d, organization.DomainStateVerified); d.Finding != organization.DomainRecordUnknown {
				t.Errorf("%+v", d)
			}
			p.zone.down = false
		})
		t.Run("a record that comes back in time changes nothing but the notices", func(t *testing.T) {
			p.zone.publish()
			p.events(org, func() { p.pass(7*storetest.Day, 6*time.Hour) }, organization.DomainUpdated)
			form := p.state(org, d, organization.DomainStateVerified).DetailedForm()
			if until := form.Rollcall.TrustedUntil; until == nil || until.Time().Before(p.clock.Now()) {
				t.Errorf("%+v", form)
			}
			p.zone.publish(d)
			p.events(org, func() { p.pass(storetest.Day, 6*time.Hour) }, organization.DomainUpdated)
			if d := p.state(org, d, organization.DomainStateVerified); d.MissingSince != nil {
				t.Errorf("%+v", d)
			}
		})
		t.Run("without its record it is trusted seven days more, and an outage at the end prolongs that", func(t *testing.T) {
			p.zone.publish()
			p.pass(8*storetest.Day, 6*time.Hour)
			since := p.state(org, d, organization.DomainStateVerified).MissingSince
			p.zone.down = true
			p.pass(8*storetest.Day, 6*time.Hour)
			p.state(org, d, organization.DomainStateVerified)
			p.zone.down = false
			p.events(org, func() { p.pass(storetest.Day, 6*time.Hour) }, organization.DomainVerificationFailed)
			p.state(org, d, organization.DomainStateFailed)
			if since == nil {
				t.Error("nobody noticed that it was missing")
			}
		})
		t.Run("an operator's word needs no record", func(t *testing.T) {
			p.zone.asked = 0
			p.pass(30*storetest.Day, 5*storetest.Day)
			g, err := organization.Across(p.s).OrganizationByDomain(t.Context(), "contoso.example")
			if err != nil || g.ID != org.ID || p.zone.asked != 0 {
				t.Error(g, err, p.zone.asked)
			}
		})
	})
}

// A domain that two organizations prove (docs/design/identity.md, "Leaving").
func TestDomainContested(t *testing.T) {
	t.Parallel()
	eachProof(t, func(t *testing.T, p proofs) {
		ours, _ := storetest.Contoso(t, p.s)
		owned := func() *organization.Domain {
			ds, err := organization.In(ours).Domains(t.Context())
			storetest.Must(t, err)
			return &ds[0]
		}
		contest := func(name string) (*store.Org, *organization.Domain) {
			other, _ := storetest.Organization(t, p.s, name, strings.ToLower(name)+".example")
			theirs := p.claim(other, "contoso.example")
			p.zone.publish(theirs)
			p.events(other, func() {
				p.events(ours, func() { p.pass(time.Minute, time.Minute) }, organization.DomainUpdated)
			})
			if p.state(other, theirs, organization.DomainStatePending).ProvenAt == nil || p.state(ours, owned(), organization.DomainStateVerified).ContestedUntil == nil {
				t.Fatal("nobody was told")
			}
			return other, theirs
		}
		t.Run("a claim that ends during the notice leaves it where it is", func(t *testing.T) {
			other, theirs := contest("Withdrawn")
			p.events(ours, func() { storetest.Must(t, organization.In(other).DeleteDomain(t.Context(), theirs.ID)) }, organization.DomainUpdated)
			other, theirs = contest("Unpublished")
			p.zone.publish()
			p.events(ours, func() { p.pass(2*storetest.Day, 6*time.Hour) }, organization.DomainUpdated)
			p.events(other, func() { p.pass(8*storetest.Day, 6*time.Hour) }, organization.DomainVerificationFailed)
			p.state(other, theirs, organization.DomainStateFailed)
			other, _ = contest("Dissolved")
			p.events(ours, func() {
				storetest.Must(t, operator.In(other).DeleteOrganization(t.Context()))
				p.pass(10*storetest.Day, 6*time.Hour)
			}, organization.DomainUpdated)
			if d := p.state(ours, owned(), organization.DomainStateVerified); d.ContestedUntil != nil || d.ContestedBy != "" {
				t.Errorf("%+v", d)
			}
		})
		t.Run("an outage of DNS at the end of the notice leaves it where it is", func(t *testing.T) {
			other, theirs := contest("Outage")
			p.zone.down = true
			p.pass(9*storetest.Day, 6*time.Hour)
			p.state(ours, owned(), organization.DomainStateVerified)
			p.state(other, theirs, organization.DomainStatePending)
			p.zone.down = false
			p.zone.publish()
			p.check(other, theirs)
		})
		t.Run("it comes over after seven days, and not before", func(t *testing.T) {
			other, theirs := contest("Successor")
			third, _ := storetest.Organization(t, p.s, "Third", "third.example")
			late := p.claim(third, "contoso.example")
			p.zone.publish(theirs, late)
			p.events(ours, func() { p.pass(7*storetest.Day-2*time.Minute, time.Hour) })
			p.state(ours, owned(), organization.DomainStateVerified)
			p.events(other, func() {
				p.events(ours, func() { p.pass(2*time.Minute, time.Minute) }, organization.DomainVerificationFailed)
			}, organization.DomainVerified)
			p.state(ours, owned(), organization.DomainStateFailed)
			p.state(other, theirs, organization.DomainStateVerified)
			p.state(third, late, organization.DomainStatePending)
			all := storetest.Events(t, p.s, ours)
			if data := all[len(all)-1].Data; !strings.Contains(data, `"reason":"domain_verified_by_other_organization"`) ||
				strings.Contains(data, theirs.ID) || strings.Contains(data, "Successor") {
				t.Errorf("the event of the one who lost it: %s", data)
			}
			storetest.Must(t, organization.In(third).DeleteDomain(t.Context(), late.ID))
		})
		t.Run("an operator moves it at once, and both change or neither", func(t *testing.T) {
			holder, err := organization.Across(p.s).OrganizationByDomain(t.Context(), "contoso.example")
			storetest.Must(t, err)
			their := p.s.Org(holder.ID, "operator:test")
			d := owned()
			_, err = organization.In(ours).VerifyDomain(t.Context(), d.ID)
			storetest.WantKind(t, err, model.Conflict, "domain")
			storetest.Unchanged(t, p.s, func() {
				err := ours.Tx(t.Context(), func(org *store.Org) error {
					if _, err := organization.In(org).ForceDomain(t.Context(), d.ID); err != nil {
						return err
					}
					return errors.New("the rest of the request failed")
				})
				if err == nil {
					t.Error("it went on")
				}
			})
			p.events(their, func() {
				p.events(ours, func() {
					_, err := organization.In(ours).ForceDomain(t.Context(), d.ID)
					storetest.Must(t, err)
				}, organization.DomainVerified)
			}, organization.DomainVerificationFailed)
			p.state(ours, d, organization.DomainStateVerified)
		})
	})
}

// Of several replicas one looks.
func TestDomainWatchOnReplicas(t *testing.T) {
	t.Parallel()
	eachProof(t, func(t *testing.T, p proofs) {
		org, _ := storetest.Contoso(t, p.s)
		d := p.claim(org, "replica.example")
		p.zone.publish(d)
		p.events(org, func() {
			storetest.Must(t, errors.Join(storetest.Together(4, func(int) error { _, err := p.watch.RunOnce(t.Context()); return err })...))
		}, organization.DomainVerified)
		if p.zone.asked != 1 {
			t.Errorf("DNS was asked %d times", p.zone.asked)
		}
	})
}
