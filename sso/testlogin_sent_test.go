package sso_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/model/testlogin"
)

// TestTestBeginsOnAPageOfOurs: another site must not use up the tests of an hour.
func TestTestBeginsOnAPageOfOurs(t *testing.T) {
	t.Parallel()
	w := one(t)
	b := w.browser()
	b.invite(w.tenant)
	for range testlogin.MaxTests + 1 {
		for _, site := range []string{"cross-site", "same-site"} {
			a := b.get(w.testURL(w.connection), "Sec-Fetch-Site", site)
			if a.status != http.StatusForbidden || !strings.Contains(a.body, "Another site sent you here") {
				t.Fatalf("%s: %d to %q", site, a.status, a.location)
			}
		}
	}
	for _, site := range []string{"same-origin", "none"} {
		if a := b.get(w.testURL(w.connection), "Sec-Fetch-Site", site); a.status/100 == 4 {
			t.Errorf("%s: %d %s", site, a.status, a.body)
		}
	}
}
