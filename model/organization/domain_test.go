package organization_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/store"
)

// domains are domains with their states, as SetDomains takes them.
type domains = map[string]organization.DomainState

const (
	pending  = organization.DomainStatePending
	verified = organization.DomainStateVerified
	failed   = organization.DomainStateFailed
)

func TestDomains(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, _ := storetest.Contoso(t, s)
		other, _ := storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
		create := func(org *store.Org, name string, state organization.DomainState) (*organization.Domain, error) {
			return organization.In(org).CreateDomain(t.Context(), name, state)
		}
		ours, err := create(org, "shared.example", pending)
		storetest.Must(t, err)
		theirs, err := create(other, "shared.example", pending)
		storetest.Must(t, err)
		t.Run("a claim is refused twice, and while another organization has it verified", func(t *testing.T) {
			_, err := create(org, "Shared.Example.", pending)
			storetest.WantKind(t, err, model.Conflict, "domain")
			_, err = create(org, "fabrikam.example", verified)
			storetest.WantKind(t, err, model.Conflict, "domain")
			if _, err := create(org, "fabrikam.example", pending); err != nil {
				t.Error("a pending claim of another's domain: ", err)
			}
			_, err = create(org, "new.example", "proven")
			storetest.WantKind(t, err, model.Invalid, "state")
			nowhere := s.Org(model.OrganizationID(storetest.NewID()), "system")
			_, err = create(nowhere, "new.example", pending)
			storetest.WantKind(t, err, model.NotFound)
		})
		t.Run("one of two organizations verifies it, once, even by several requests at once", func(t *testing.T) {
			got := storetest.NewEvents(t, s, org, func() {
				storetest.Must(t, errors.Join(storetest.Together(4, func(int) error {
					_, err := organization.In(org).VerifyDomain(t.Context(), ours.ID)
					return err
				})...))
			})
			if diff := cmp.Diff([]model.EventType{organization.DomainVerified}, got); diff != "" {
				t.Error(diff)
			}
			_, err = organization.In(other).VerifyDomain(t.Context(), theirs.ID)
			storetest.WantKind(t, err, model.Conflict, "domain")
			kept, err := organization.In(org).Domain(t.Context(), ours.ID)
			if err != nil || kept.State != verified || kept.VerificationStrategy != "manual" {
				t.Error(kept, err)
			}
		})
		t.Run("a deleted domain is free", func(t *testing.T) {
			storetest.Must(t, organization.In(org).DeleteDomain(t.Context(), ours.ID))
			storetest.WantKind(t, organization.In(org).DeleteDomain(t.Context(), ours.ID), model.NotFound)
			_, err := organization.In(other).VerifyDomain(t.Context(), theirs.ID)
			storetest.Must(t, err)
		})
		t.Run("the domains become those of a list", func(t *testing.T) {
			n, err := organization.In(org).SetDomains(t.Context(), domains{
				"CONTOSO.example": pending, "one.example": verified, "two.example": pending,
			})
			if err != nil || n != 1 {
				t.Error(n, err)
			}
			ds, err := organization.In(org).Domains(t.Context())
			storetest.Must(t, err)
			got := domains{}
			for _, d := range ds {
				got[d.Domain] = d.State
			}
			want := domains{"contoso.example": verified, "one.example": verified, "two.example": pending}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			storetest.Unchanged(t, s, func() {
				taken := domains{"four.example": pending, "shared.example": verified}
				_, err := organization.In(org).SetDomains(t.Context(), taken)
				storetest.WantKind(t, err, model.Conflict, "domain")
			})
		})
	})
}
