package people_test

import (
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// Anybody who can reach a login page can send a domain, and the time to encode one grows with the
// square of its length.
func TestEndlessDomainsCostNothing(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		var long strings.Builder
		for r := rune(0x4e00); r < 0x9f00; r++ {
			long.WriteRune(r)
		}
		domain := long.String() + ".example"
		for name, look := range map[string]func() error{
			"a domain": func() error {
				_, err := organization.Across(s).OrganizationByDomain(t.Context(), domain)
				return err
			},
			"an operator's address": func() error {
				_, _, err := operator.Across(s).SignInOperator(t.Context(), "ada@"+domain, "x",
					operator.Browser{Address: "192.0.2.1"})
				return err
			},
			"an address": func() error {
				_, err := signon.Across(s).SignInByPassword(t.Context(),
					signon.PasswordSignIn{Email: "ada@" + domain, Password: "x", IPAddress: "192.0.2.1"})
				return err
			},
		} {
			if kind := model.KindOf(look()); kind != model.NotFound && kind != model.Denied {
				t.Errorf("%s: kind %v", name, kind)
			}
		}
		// All of them fold the domain in one place, which says that it did not even begin.
		org, _ := storetest.Contoso(t, s)
		_, err := organization.In(org).CreateDomain(t.Context(), domain, organization.DomainStatePending)
		storetest.WantKind(t, err, model.Invalid)
		if !strings.Contains(err.Error(), "is too long for a domain name") {
			t.Errorf("the error is %v", err)
		}
		label := strings.Repeat("ü", 40) // 63 bytes at most when encoded
		_, err = organization.Across(s).OrganizationByDomain(t.Context(), label+".example")
		storetest.WantKind(t, err, model.NotFound)
	})
}
