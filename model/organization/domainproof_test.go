package organization_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/organization"
)

func TestDomainProof(t *testing.T) {
	t.Parallel()
	eachProof(t, func(t *testing.T, p proofs) {
		org, _ := storetest.Contoso(t, p.s)
		t.Run("a pending domain is checked in growing pauses and fails after seven days", func(t *testing.T) {
			d := p.claim(org, "late.example")
			p.zone.asked = 0
			p.events(org, func() { p.pass(7*storetest.Day-time.Minute, 30*time.Minute) })
			d = p.state(org, d, pending)
			if p.zone.asked < 20 || p.zone.asked > 60 || d.Finding != organization.DomainRecordMissing {
				t.Errorf("DNS was asked %d times: %+v", p.zone.asked, d)
			}
			p.events(org, func() { p.pass(7*time.Hour, time.Hour) }, organization.DomainVerificationFailed)
			all := storetest.Events(t, p.s, org)
			data := all[len(all)-1].Data
			for _, part := range []string{`"reason":"domain_verification_period_expired"`, `"state":"failed"`} {
				if !strings.Contains(data, part) {
					t.Errorf("%s has no %s", data, part)
				}
			}
			p.zone.asked = 0
			p.pass(30*storetest.Day, 10*storetest.Day)
			if p.state(org, d, failed); p.zone.asked != 0 {
				t.Error("a failed domain is checked")
			}
			p.check(org, d)
			p.state(org, d, pending)
			p.zone.publish(d)
			p.check(org, d)
			p.state(org, d, verified)
		})
		for name, texts := range map[string][]string{
			"nothing": nil, "another text": {"v=spf1 -all"},
			"more than the token": {"token=TOKEN", "TOKEN "}, "another case": {"token"},
		} {
			t.Run(name+" proves nothing", func(t *testing.T) {
				d := p.claim(org, strings.ReplaceAll(name, " ", "-")+".example")
				p.zone.publish(d)
				var sent []string
				for _, text := range texts {
					text = strings.ReplaceAll(text, "TOKEN", d.VerificationToken)
					sent = append(sent, strings.ReplaceAll(text, "token", strings.ToLower(d.VerificationToken)))
				}
				p.zone.texts["_sso-verify."+d.Domain] = sent
				p.zone.texts[d.Domain] = []string{d.VerificationToken} // a name that is not queried
				if d = p.check(org, d); d.Finding != organization.DomainRecordMissing {
					t.Errorf("%+v", d)
				}
				p.state(org, d, pending)
			})
		}
		t.Run("a record proves its domain, and no other domain below or above it", func(t *testing.T) {
			d, below := p.claim(org, "Bücher.example"), p.claim(org, "mail.xn--bcher-kva.example")
			p.zone.publish(d)
			p.events(org, func() { p.pass(time.Minute, time.Minute) }, organization.DomainVerified)
			d = p.state(org, d, verified)
			if d.VerificationStrategy != "dns" || d.Domain != "xn--bcher-kva.example" {
				t.Errorf("%+v", d)
			}
			p.state(org, below, pending)
		})
		t.Run("a record that only an alias leads to proves nothing", func(t *testing.T) {
			org, _ := storetest.Organization(t, p.s, "Tailspin", "tailspin.example")
			d := p.claim(org, "alias.example")
			p.zone.publish(d)
			p.zone.alias = true
			defer func() { p.zone.alias = false }()
			p.events(org, func() { p.pass(6*storetest.Day, 6*time.Hour) })
			if d = p.state(org, d, pending); d.Finding != organization.DomainRecordAlias {
				t.Errorf("%+v", d)
			}
			p.events(org, func() { p.pass(2*storetest.Day, 6*time.Hour) }, organization.DomainVerificationFailed)
			p.check(org, d)
			p.state(org, d, pending)
		})
		t.Run("another organization's token proves nothing", func(t *testing.T) {
			other, _ := storetest.Organization(t, p.s, "Fabrikam", "fabrikam.example")
			ours, theirs := p.claim(org, "token.example"), p.claim(other, "token.example")
			p.zone.publish(theirs)
			p.check(org, ours)
			p.state(org, ours, pending)
		})
		t.Run("a domain that gives addresses to everybody is refused, and one that is none", func(t *testing.T) {
			for _, name := range []string{
				"gmail.com", "GMX.de.", "co.uk", "github.io", "com", "192.0.2.1", "a..b", "",
			} {
				for _, state := range []organization.DomainState{pending, verified} {
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
		t.Run("a proven domain is checked once a week", func(t *testing.T) {
			p.zone.asked = 0
			p.events(org, func() { p.pass(28*storetest.Day, 6*time.Hour) })
			if p.zone.asked != 4 {
				t.Errorf("asked %d times", p.zone.asked)
			}
		})
		t.Run("an outage of DNS ends no trust, however long it is", func(t *testing.T) {
			p.zone.down = true
			p.events(org, func() { p.pass(30*storetest.Day, 6*time.Hour) })
			if d := p.state(org, d, verified); d.Finding != organization.DomainRecordUnknown {
				t.Errorf("%+v", d)
			}
			p.zone.down = false
		})
		t.Run("a record that comes back in time changes nothing but the notices", func(t *testing.T) {
			p.zone.publish()
			p.events(org, func() { p.pass(7*storetest.Day, 6*time.Hour) }, organization.DomainUpdated)
			form := p.state(org, d, verified).DetailedForm()
			if until := form.Rollcall.TrustedUntil; until == nil || until.Time().Before(p.clock.Now()) {
				t.Errorf("%+v", form)
			}
			p.zone.publish(d)
			p.events(org, func() { p.pass(storetest.Day, 6*time.Hour) }, organization.DomainUpdated)
			if d := p.state(org, d, verified); d.MissingSince != nil {
				t.Errorf("%+v", d)
			}
		})
		t.Run("an alias that leads to the record keeps a proven domain, with one notice", func(t *testing.T) {
			p.zone.alias = true
			p.events(org, func() { p.pass(28*storetest.Day, 6*time.Hour) }, organization.DomainUpdated)
			d := p.state(org, d, verified)
			all := storetest.Events(t, p.s, org)
			if d.Finding != organization.DomainRecordAlias || !strings.Contains(all[len(all)-1].Data, "(CNAME)") {
				t.Errorf("%+v, %s", d, all[len(all)-1].Data)
			}
			p.zone.alias = false
			p.events(org, func() { p.pass(7*storetest.Day, 6*time.Hour) })
		})
		t.Run("without its record it is trusted for seven days, and longer during an outage", func(t *testing.T) {
			p.zone.publish()
			p.pass(8*storetest.Day, 6*time.Hour)
			since := p.state(org, d, verified).MissingSince
			p.zone.down = true
			p.pass(8*storetest.Day, 6*time.Hour)
			p.state(org, d, verified)
			p.zone.down = false
			p.events(org, func() { p.pass(storetest.Day, 6*time.Hour) }, organization.DomainVerificationFailed)
			p.state(org, d, failed)
			if since == nil {
				t.Error("the missing record was not noticed")
			}
		})
		t.Run("a domain that an operator vouches for needs no record", func(t *testing.T) {
			p.zone.asked = 0
			p.pass(30*storetest.Day, 5*storetest.Day)
			g, err := organization.Across(p.s).OrganizationByDomain(t.Context(), "contoso.example")
			if err != nil || g.ID != org.ID || p.zone.asked != 0 {
				t.Error(g, err, p.zone.asked)
			}
		})
	})
}

func TestOneReplicaChecksADomain(t *testing.T) {
	t.Parallel()
	eachProof(t, func(t *testing.T, p proofs) {
		org, _ := storetest.Contoso(t, p.s)
		d := p.claim(org, "replica.example")
		p.zone.publish(d)
		p.events(org, func() {
			storetest.Must(t, errors.Join(storetest.Together(4, func(int) error {
				_, err := p.watch.RunOnce(t.Context())
				return err
			})...))
		}, organization.DomainVerified)
		if p.zone.asked != 1 {
			t.Errorf("DNS was asked %d times", p.zone.asked)
		}
	})
}
