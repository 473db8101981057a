package organization_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/store"
)

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
			claim, held := p.state(other, theirs, pending), p.state(ours, owned(), verified)
			if claim.ProvenAt == nil || held.ContestedUntil == nil {
				t.Fatal("the domain is not contested")
			}
			return other, theirs
		}
		t.Run("the owner keeps it when the claim ends during the notice", func(t *testing.T) {
			other, theirs := contest("Withdrawn")
			p.events(ours, func() {
				storetest.Must(t, organization.In(other).DeleteDomain(t.Context(), theirs.ID))
			}, organization.DomainUpdated)
			other, theirs = contest("Unpublished")
			p.zone.publish()
			p.events(ours, func() { p.pass(2*storetest.Day, 6*time.Hour) }, organization.DomainUpdated)
			p.events(other, func() { p.pass(8*storetest.Day, 6*time.Hour) }, organization.DomainVerificationFailed)
			p.state(other, theirs, failed)
			other, theirs = contest("Aliased")
			p.zone.alias = true
			p.events(ours, func() { p.pass(2*storetest.Day, 6*time.Hour) }, organization.DomainUpdated)
			p.events(other, func() { p.pass(8*storetest.Day, 6*time.Hour) }, organization.DomainVerificationFailed)
			p.state(other, theirs, failed)
			p.zone.alias = false
			other, _ = contest("Dissolved")
			p.events(ours, func() {
				storetest.Must(t, operator.In(other).DeleteOrganization(t.Context()))
				p.pass(10*storetest.Day, 6*time.Hour)
			}, organization.DomainUpdated)
			if d := p.state(ours, owned(), verified); d.ContestedUntil != nil || d.ContestedBy != "" {
				t.Errorf("%+v", d)
			}
		})
		t.Run("the owner keeps it during an outage of DNS at the end of the notice", func(t *testing.T) {
			other, theirs := contest("Outage")
			p.zone.down = true
			p.pass(9*storetest.Day, 6*time.Hour)
			p.state(ours, owned(), verified)
			p.state(other, theirs, pending)
			p.zone.down = false
			p.zone.publish()
			p.check(other, theirs)
		})
		t.Run("the other organization gets it after seven days, and not before", func(t *testing.T) {
			other, theirs := contest("Successor")
			third, _ := storetest.Organization(t, p.s, "Third", "third.example")
			late := p.claim(third, "contoso.example")
			p.zone.publish(theirs, late)
			p.events(ours, func() { p.pass(7*storetest.Day-2*time.Minute, time.Hour) })
			p.state(ours, owned(), verified)
			p.events(other, func() {
				p.events(ours, func() { p.pass(2*time.Minute, time.Minute) }, organization.DomainVerificationFailed)
			}, organization.DomainVerified)
			p.state(ours, owned(), failed)
			p.state(other, theirs, verified)
			p.state(third, late, pending)
			all := storetest.Events(t, p.s, ours)
			data := all[len(all)-1].Data
			if !strings.Contains(data, `"reason":"domain_verified_by_other_organization"`) ||
				strings.Contains(data, theirs.ID) || strings.Contains(data, "Successor") {
				t.Errorf("the event of the former owner: %s", data)
			}
			storetest.Must(t, organization.In(third).DeleteDomain(t.Context(), late.ID))
		})
		t.Run("an operator moves it at once, in both organizations or in neither", func(t *testing.T) {
			holder, err := organization.Across(p.s).OrganizationByDomain(t.Context(), "contoso.example")
			storetest.Must(t, err)
			holding := p.s.Org(holder.ID, "operator:test")
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
					t.Error("the transaction did not fail")
				}
			})
			p.events(holding, func() {
				p.events(ours, func() {
					_, err := organization.In(ours).ForceDomain(t.Context(), d.ID)
					storetest.Must(t, err)
				}, organization.DomainVerified)
			}, organization.DomainVerificationFailed)
			p.state(ours, d, verified)
		})
	})
}
