package model_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
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
func (z *zone) publish(ds ...*model.Domain) {
	z.texts = map[string][]string{}
	for _, d := range ds {
		name := "_sso-verify." + d.Domain
		z.texts[name] = append(z.texts[name], d.VerificationToken, "v=spf1 -all")
	}
}

// proofs is a store with a watch over a zone, and a clock.
type proofs struct {
	t     *testing.T
	s     *model.Store
	clock *modeltest.Clock
	zone  *zone
	watch *model.DomainWatch
}

func eachProof(t *testing.T, test func(t *testing.T, p proofs)) {
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		p := proofs{t: t, clock: modeltest.NewClock(), zone: &zone{}}
		p.s = modeltest.Open(t, db, model.Options{Now: p.clock.Now})
		p.watch = model.NewDomainWatch(p.s, p.zone.lookup)
		test(t, p)
	})
}

// pass lets time go by in steps, with a round of the watch after each.
func (p proofs) pass(d, step time.Duration) {
	p.t.Helper()
	for ; d > 0; d -= step {
		p.clock.Advance(min(d, step))
		_, err := p.watch.RunOnce(p.t.Context())
		must(p.t, err)
	}
}

func (p proofs) claim(org *model.Org, name string) *model.Domain {
	p.t.Helper()
	d, err := org.CreateDomain(p.t.Context(), name, model.DomainStatePending)
	must(p.t, err)
	return d
}

func (p proofs) check(org *model.Org, d *model.Domain) *model.Domain {
	p.t.Helper()
	d, err := p.watch.Check(p.t.Context(), org, d.ID)
	must(p.t, err)
	return d
}

func (p proofs) state(org *model.Org, d *model.Domain, want model.DomainState) *model.Domain {
	p.t.Helper()
	now, err := org.Domain(p.t.Context(), d.ID)
	must(p.t, err)
	if now.State != want {
		p.t.Errorf("it is %s, not %s: %+v", now.State, want, now)
	}
	g, err := p.s.OrganizationByDomain(p.t.Context(), d.Domain)
	if trusted := err == nil && g.ID == org.ID; trusted != (want == model.DomainStateVerified) {
		p.t.Errorf("it is %s, and sign-on trusts it: %t", want, trusted)
	}
	return now
}

func (p proofs) events(org *model.Org, run func(), want ...model.EventType) {
	p.t.Helper()
	if diff := cmp.Diff(append([]model.EventType{}, want...), newEvents(p.t, p.s, org, run)); diff != "" {
		p.t.Errorf("events (-want +got):\n%s", diff)
	}
}

const day = 24 * time.Hour

func TestDomainProof(t *testing.T) {
	t.Parallel()
	eachProof(t, func(t *testing.T, p proofs) {
		org, _ := contoso(t, p.s)
		t.Run("a pending domain is asked for in growing pauses and fails after seven days", func(t *testing.T) {
			d := p.claim(org, "late.example")
			p.zone.asked = 0
			p.events(org, func() { p.pass(7*day-time.Minute, 30*time.Second*60) })
			if d = p.state(org, d, model.DomainStatePending); p.zone.asked < 20 || p.zone.asked > 60 || d.Finding != model.DomainRecordMissing {
				t.Errorf("DNS was asked %d times: %+v", p.zone.asked, d)
			}
			p.events(org, func() { p.pass(7*time.Hour, time.Hour) }, model.DomainVerificationFailed)
			all := events(t, p.s, org)
			if data := all[len(all)-1].Data; !strings.Contains(data, `"reason":"domain_verification_period_expired"`) || !strings.Contains(data, `"state":"failed"`) {
				t.Error(data)
			}
			p.zone.asked = 0
			p.pass(30*day, 10*day)
			if p.state(org, d, model.DomainStateFailed); p.zone.asked != 0 {
				t.Error("a failed domain is asked for")
			}
			p.check(org, d)
			p.state(org, d, model.DomainStatePending) // claimed anew
			p.zone.publish(d)
			p.check(org, d)
			p.state(org, d, model.DomainStateVerified)
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
				if d = p.check(org, d); d.Finding != model.DomainRecordMissing {
					t.Errorf("%+v", d)
				}
				p.state(org, d, model.DomainStatePending)
			})
		}
		t.Run("a record proves its domain, by itself and nothing below or above it", func(t *testing.T) {
			d, below := p.claim(org, "Bücher.example"), p.claim(org, "mail.xn--bcher-kva.example")
			p.zone.publish(d)
			p.events(org, func() { p.pass(time.Minute, time.Minute) }, model.DomainVerified)
			if d = p.state(org, d, model.DomainStateVerified); d.VerificationStrategy != "dns" || d.Domain != "xn--bcher-kva.example" {
				t.Errorf("%+v", d)
			}
			p.state(org, below, model.DomainStatePending)
		})
		t.Run("another organization's token proves nothing", func(t *testing.T) {
			other, _ := organization(t, p.s, "Fabrikam", "fabrikam.example")
			ours, theirs := p.claim(org, "token.example"), p.claim(other, "token.example")
			p.zone.publish(theirs)
			p.check(org, ours)
			p.state(org, ours, model.DomainStatePending)
		})
		t.Run("what gives addresses to everybody is refused", func(t *testing.T) {
			for _, name := range []string{"gmail.com", "GMX.de.", "co.uk", "github.io", "com", "192.0.2.1", "a..b", ""} {
				for _, state := range []model.DomainState{model.DomainStatePending, model.DomainStateVerified} {
					unchanged(t, p.s, func() {
						_, err := org.CreateDomain(t.Context(), name, state)
						wantKind(t, err, model.Invalid, "domain")
					})
				}
			}
		})
	})
}

func TestDomainRecheck(t *testing.T) {
	t.Parallel()
	eachProof(t, func(t *testing.T, p proofs) {
		org, _ := contoso(t, p.s)
		d := p.claim(org, "proven.example")
		p.zone.publish(d)
		p.pass(time.Minute, time.Minute)
		t.Run("a proven domain is asked for once a week", func(t *testing.T) {
			p.zone.asked = 0
			p.events(org, func() { p.pass(28*day, 6*time.Hour) })
			if p.zone.asked != 4 {
				t.Errorf("asked %d times", p.zone.asked)
			}
		})
		t.Run("an outage of DNS takes no trust away, however long", func(t *testing.T) {
			p.zone.down = true
			p.events(org, func() { p.pass(30*day, 6*time.Hour) })
			if d := p.state(org, d, model.DomainStateVerified); d.Finding != model.DomainRecordUnknown {
				t.Errorf("%+v", d)
			}
			p.zone.down = false
		})
		t.Run("a record that comes back in time changes nothing but the notices", func(t *testing.T) {
			p.zone.publish()
			p.events(org, func() { p.pass(7*day, 6*time.Hour) }, model.DomainUpdated)
			form := p.state(org, d, model.DomainStateVerified).DetailedForm()
			if until := form.Rollcall.TrustedUntil; until == nil || until.Time().Before(p.clock.Now()) {
				t.Errorf("%+v", form)
			}
			p.zone.publish(d)
			p.events(org, func() { p.pass(day, 6*time.Hour) }, model.DomainUpdated)
			if d := p.state(org, d, model.DomainStateVerified); d.MissingSince != nil {
				t.Errorf("%+v", d)
			}
		})
		t.Run("without its record it is trusted seven days more, and an outage at the end prolongs that", func(t *testing.T) {
			p.zone.publish()
			p.pass(8*day, 6*time.Hour)
			since := p.state(org, d, model.DomainStateVerified).MissingSince
			p.zone.down = true
			p.pass(8*day, 6*time.Hour)
			p.state(org, d, model.DomainStateVerified)
			p.zone.down = false
			p.events(org, func() { p.pass(day, 6*time.Hour) }, model.DomainVerificationFailed)
			p.state(org, d, model.DomainStateFailed)
			if since == nil {
				t.Error("nobody noticed that it was missing")
			}
		})
		t.Run("an operator's word needs no record", func(t *testing.T) {
			p.zone.asked = 0
			p.pass(30*day, 5*day)
			g, err := p.s.OrganizationByDomain(t.Context(), "contoso.example")
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
		ours, _ := contoso(t, p.s)
		owned := func() *model.Domain {
			ds, err := ours.Domains(t.Context())
			must(t, err)
			return &ds[0]
		}
		contest := func(name string) (*model.Org, *model.Domain) {
			other, _ := organization(t, p.s, name, strings.ToLower(name)+".example")
			theirs := p.claim(other, "contoso.example")
			p.zone.publish(theirs)
			p.events(other, func() {
				p.events(ours, func() { p.pass(time.Minute, time.Minute) }, model.DomainUpdated)
			})
			if p.state(other, theirs, model.DomainStatePending).ProvenAt == nil || p.state(ours, owned(), model.DomainStateVerified).ContestedUntil == nil {
				t.Fatal("nobody was told")
			}
			return other, theirs
		}
		t.Run("a claim that ends during the notice leaves it where it is", func(t *testing.T) {
			other, theirs := contest("Withdrawn")
			p.events(ours, func() { must(t, other.DeleteDomain(t.Context(), theirs.ID)) }, model.DomainUpdated)
			other, theirs = contest("Unpublished")
			p.zone.publish()
			p.events(ours, func() { p.pass(2*day, 6*time.Hour) }, model.DomainUpdated)
			p.events(other, func() { p.pass(8*day, 6*time.Hour) }, model.DomainVerificationFailed)
			p.state(other, theirs, model.DomainStateFailed)
			other, _ = contest("Dissolved")
			p.events(ours, func() {
				must(t, other.DeleteOrganization(t.Context()))
				p.pass(10*day, 6*time.Hour)
			}, model.DomainUpdated)
			if d := p.state(ours, owned(), model.DomainStateVerified); d.ContestedUntil != nil || d.ContestedBy != "" {
				t.Errorf("%+v", d)
			}
		})
		t.Run("an outage of DNS at the end of the notice leaves it where it is", func(t *testing.T) {
			other, theirs := contest("Outage")
			p.zone.down = true
			p.pass(9*day, 6*time.Hour)
			p.state(ours, owned(), model.DomainStateVerified)
			p.state(other, theirs, model.DomainStatePending)
			p.zone.down = false
			p.zone.publish()
			p.check(other, theirs)
		})
		t.Run("it comes over after seven days, and not before", func(t *testing.T) {
			other, theirs := contest("Successor")
			third, _ := organization(t, p.s, "Third", "third.example")
			late := p.claim(third, "contoso.example")
			p.zone.publish(theirs, late)
			p.events(ours, func() { p.pass(7*day-2*time.Minute, time.Hour) })
			p.state(ours, owned(), model.DomainStateVerified)
			p.events(other, func() {
				p.events(ours, func() { p.pass(2*time.Minute, time.Minute) }, model.DomainVerificationFailed)
			}, model.DomainVerified)
			p.state(ours, owned(), model.DomainStateFailed)
			p.state(other, theirs, model.DomainStateVerified)
			p.state(third, late, model.DomainStatePending)
			all := events(t, p.s, ours)
			if data := all[len(all)-1].Data; !strings.Contains(data, `"reason":"domain_verified_by_other_organization"`) ||
				strings.Contains(data, theirs.ID) || strings.Contains(data, "Successor") {
				t.Errorf("the event of the one who lost it: %s", data)
			}
			must(t, third.DeleteDomain(t.Context(), late.ID))
		})
		t.Run("an operator moves it at once, and both change or neither", func(t *testing.T) {
			holder, err := p.s.OrganizationByDomain(t.Context(), "contoso.example")
			must(t, err)
			their := p.s.Org(holder.ID, "operator:test")
			d := owned()
			_, err = ours.VerifyDomain(t.Context(), d.ID)
			wantKind(t, err, model.Conflict, "domain")
			unchanged(t, p.s, func() {
				err := ours.Tx(t.Context(), func(org *model.Org) error {
					if _, err := org.ForceDomain(t.Context(), d.ID); err != nil {
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
					_, err := ours.ForceDomain(t.Context(), d.ID)
					must(t, err)
				}, model.DomainVerified)
			}, model.DomainVerificationFailed)
			p.state(ours, d, model.DomainStateVerified)
		})
	})
}

// Of several replicas one looks.
func TestDomainWatchOnReplicas(t *testing.T) {
	t.Parallel()
	eachProof(t, func(t *testing.T, p proofs) {
		org, _ := contoso(t, p.s)
		d := p.claim(org, "replica.example")
		p.zone.publish(d)
		p.events(org, func() {
			must(t, errors.Join(together(4, func(int) error { _, err := p.watch.RunOnce(t.Context()); return err })...))
		}, model.DomainVerified)
		if p.zone.asked != 1 {
			t.Errorf("DNS was asked %d times", p.zone.asked)
		}
	})
}
