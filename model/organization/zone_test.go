package organization_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/store"
)

// zone answers queries for DNS records.
type zone struct {
	mu    sync.Mutex
	texts map[string][]string
	alias bool // all names are aliases
	down  bool
	asked int
}

func (z *zone) lookup(_ context.Context, name string) (organization.TXTRecords, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked++
	switch {
	case z.down:
		return organization.TXTRecords{}, errors.New("server misbehaving")
	case len(z.texts[name]) == 0:
		return organization.TXTRecords{}, model.NotFoundf("no such host")
	case z.alias:
		return organization.TXTRecords{Alias: z.texts[name]}, nil
	}
	return organization.TXTRecords{Own: z.texts[name]}, nil
}

// publish makes the records of domains, and no others but one that proves nothing.
func (z *zone) publish(ds ...*organization.Domain) {
	z.texts = map[string][]string{}
	for _, d := range ds {
		name := "_sso-verify." + d.Domain
		z.texts[name] = append(z.texts[name], d.VerificationToken, "v=spf1 -all")
	}
}

// proofs is a store with a clock and with a DomainWatch that queries a zone.
type proofs struct {
	t     *testing.T
	s     *store.Store
	clock *modeltest.Clock
	zone  *zone
	watch *organization.DomainWatch
}

// eachProof runs a test with proofs on each database.
func eachProof(t *testing.T, test func(t *testing.T, p proofs)) {
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		p := proofs{t: t, clock: modeltest.NewClock(), zone: &zone{}}
		p.s = modeltest.Open(t, db, store.Options{Now: p.clock.Now})
		p.watch = organization.NewDomainWatch(organization.Across(p.s), p.zone.lookup)
		test(t, p)
	})
}

// pass advances the clock in steps, with a round of the watch after each.
func (p proofs) pass(d, step time.Duration) {
	p.t.Helper()
	for ; d > 0; d -= step {
		p.clock.Advance(min(d, step))
		_, err := p.watch.RunOnce(p.t.Context())
		storetest.Must(p.t, err)
	}
}

// claim adds a pending domain.
func (p proofs) claim(org *store.Org, name string) *organization.Domain {
	p.t.Helper()
	d, err := organization.In(org).CreateDomain(p.t.Context(), name, pending)
	storetest.Must(p.t, err)
	return d
}

// check queries DNS for a domain.
func (p proofs) check(org *store.Org, d *organization.Domain) *organization.Domain {
	p.t.Helper()
	d, err := p.watch.Check(p.t.Context(), organization.In(org), d.ID)
	storetest.Must(p.t, err)
	return d
}

// state checks the stored state of a domain, and that sign-on trusts it only when it is verified.
func (p proofs) state(org *store.Org, d *organization.Domain, want organization.DomainState) *organization.Domain {
	p.t.Helper()
	now, err := organization.In(org).Domain(p.t.Context(), d.ID)
	storetest.Must(p.t, err)
	if now.State != want {
		p.t.Errorf("it is %s, not %s: %+v", now.State, want, now)
	}
	g, err := organization.Across(p.s).OrganizationByDomain(p.t.Context(), d.Domain)
	if trusted := err == nil && g.ID == org.ID; trusted != (want == verified) {
		p.t.Errorf("it is %s, and sign-on trusts it: %t", want, trusted)
	}
	return now
}

// events checks the types of the events of a run.
func (p proofs) events(org *store.Org, run func(), want ...model.EventType) {
	p.t.Helper()
	if diff := cmp.Diff(append([]model.EventType{}, want...), storetest.NewEvents(p.t, p.s, org, run)); diff != "" {
		p.t.Errorf("events (-want +got):\n%s", diff)
	}
}
