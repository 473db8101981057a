package passwords_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"

	"rollcall/model"
	"rollcall/model/internal/passwords"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

func TestHashingAPasswordTakesTheMemoryThatOWASPAsksFor(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), modeltest.SQLite(t).URL, store.Options{Keys: [][]byte{modeltest.Key}})
	storetest.Must(t, err)
	hash, err := passwords.Hash(t.Context(), s, storetest.GoodPassword)
	storetest.Must(t, errors.Join(err, s.Close()))
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored %q", hash)
	}
}

func TestNewPasswords(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		for name, test := range map[string]struct {
			password string
			kind     model.Kind
		}{
			"good":                           {storetest.GoodPassword, model.Internal},
			"short":                          {"glacier tuba 4", model.Invalid},
			"long":                           {strings.Repeat("glacier tuba 41 ", 9), model.Invalid},
			"empty":                          {"", model.Invalid},
			"with a control character":       {storetest.GoodPassword + "\x07", model.Invalid},
			"common":                         {"passwordpassword", model.Invalid},
			"one character":                  {strings.Repeat("k", 30), model.Invalid},
			"a row of keys":                  {"qwertyuiopasdfgh", model.Invalid},
			"the address":                    {"adalovelaceada@contoso.example", model.Invalid},
			"the name of this server, twice": {"RollcallRollcall1", model.Invalid},
			"the organization, three times":  {"contoso contoso contoso", model.Invalid},
			"the organization, run together": {"Contoso-CONTOSO_contoso1", model.Invalid},
			"the organization's whole name":  {"Northwind Traders Inc", model.Invalid},
			"known words and good ones":      {"contoso glacier tuba window", model.Internal},
		} {
			t.Run(name, func(t *testing.T) {
				hash, err := passwords.Hash(t.Context(), s, test.password,
					"adalovelaceada@contoso.example", "Northwind Traders Inc")
				if (err == nil) != (test.kind == model.Internal) || err != nil && model.KindOf(err) != test.kind {
					t.Fatalf("error %v", err)
				}
				if err == nil && !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=2,p=1$") {
					t.Errorf("stored %q", hash)
				}
				if err != nil && test.password != "" && strings.Contains(err.Error(), test.password) {
					t.Errorf("the error repeats the password: %v", err)
				}
			})
		}
	})
}

func TestComparePassword(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		hash, err := passwords.Hash(ctx, s, "caf\u00e9 tuba 41 window")
		storetest.Must(t, err)
		other, err := passwords.Hash(ctx, s, "caf\u00e9 tuba 41 window")
		storetest.Must(t, err)
		if hash == other {
			t.Error("two hashes of one password are the same: there is no salt")
		}
		outdated, err := argon2id.CreateHash("caf\u00e9",
			&argon2id.Params{Memory: 8192, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
		storetest.Must(t, err)
		for name, test := range map[string]struct {
			hash, password string
			equal          bool
		}{
			"the same":                     {hash, "caf\u00e9 tuba 41 window", true},
			"composed otherwise":           {hash, "cafe\u0301 tuba 41 window", true},
			"another":                      {hash, "cafe tuba 41 window", false},
			"of nobody":                    {"", "caf\u00e9 tuba 41 window", false},
			"empty":                        {hash, "", false},
			"empty, of nobody":             {"", "", false},
			"too long to be one":           {hash, strings.Repeat("x", 10_000), false},
			"of another time's parameters": {outdated, "caf\u00e9", true},
		} {
			t.Run(name, func(t *testing.T) {
				a, err := passwords.Begin(ctx, s, name, passwords.Sender{Address: name})
				storetest.Must(t, err)
				defer a.Leave()
				equal, old, err := a.Compare(ctx, test.hash, test.password)
				storetest.Must(t, err)
				if equal != test.equal {
					t.Errorf("equal is %v", equal)
				}
				if old != (test.hash == outdated) {
					t.Errorf("outdated is %v", old)
				}
			})
		}
	})
}
