package sso

import (
	"testing"

	"github.com/google/uuid"
)

// Providers are remembered of so many connections and no more. One that is in use is not asked
// again, however many others are.
func TestRelyingPartiesStayFlat(t *testing.T) {
	var parties relyingParties
	parties.init()
	used := parties.of("used")
	for range 2 * maxRelyingParties {
		parties.of(uuid.NewString())
		if parties.of("used") != used {
			t.Fatal("a provider that is in use was forgotten")
		}
	}
	if n := parties.entries.Len(); n != maxRelyingParties {
		t.Errorf("%d providers are remembered, want %d", n, maxRelyingParties)
	}
}
