package console_test

import (
	"net/http"
	"testing"
)

// TestStrangersDoNotKeepAnOperatorOut guesses from another browser, without an end.
func TestStrangersDoNotKeepAnOperatorOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		s.settle()
		hers := s.browser
		s.browser = s.newBrowser()
		for range 12 {
			s.signIn(ada, "wrong")
		}
		s.shows(s.signIn(ada, ownPassword), http.StatusTooManyRequests, "try again in")
		s.browser = hers
		s.shows(s.choose("wrong", "another good 12 lamp", "another good 12 lamp"), http.StatusForbidden, "is wrong")
		s.leads(s.post("/console/logout", nil), "/console/login")
		s.leads(s.signIn(ada, ownPassword), "/console")
	})
}
