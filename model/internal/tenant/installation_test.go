package tenant_test

import (
	"bytes"
	"strings"
	"testing"

	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/internal/tenant"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

func TestSecretKey(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, tenant.Options{})
		org, d := storetest.Contoso(t, s)
		u := storetest.CreateUser(t, org, d, "ada@contoso.example")
		traces, err := storetest.TracesOf(u)
		storetest.Must(t, err)
		storetest.Must(t, directory.Of(org, d.ID).DeleteUser(t.Context(), u.ID))
		other := bytes.Repeat([]byte("K"), 32)
		for outcome, c := range map[string]struct {
			keys  [][]byte
			opens bool
		}{
			"the same key opens":                            {[][]byte{modeltest.Key}, true},
			"a new key before it opens":                     {[][]byte{other, modeltest.Key}, true},
			"another key does not":                          {[][]byte{other}, false},
			"several others do not":                         {[][]byte{other, bytes.Repeat([]byte("L"), 32)}, false},
			"no key does not":                               {nil, false},
			"a key that is too short does not":              {[][]byte{other[:16]}, false},
			"a good key with one that is too long does not": {[][]byte{modeltest.Key, append(other, 'K')}, false},
		} {
			t.Run(outcome, func(t *testing.T) {
				s, err := store.Open(t.Context(), db.URL, tenant.Options{Keys: c.keys})
				if !c.opens {
					if err == nil || strings.Contains(err.Error(), "KKKK") || !strings.Contains(err.Error(), "key") {
						t.Fatalf("the error is %v", err)
					}
					return
				}
				storetest.Must(t, err)
				t.Cleanup(func() { _ = s.Close() })
				departed, err := directory.In(s.Org(org.ID, "system")).Departed(t.Context(), traces)
				if err != nil || !departed {
					t.Errorf("the tombstones' key is another one: %v", err)
				}
			})
		}
	})
}
