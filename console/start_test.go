package console_test

import "testing"

// TestStartLeadsWhereABrowserBelongs opens the bare address of the server.
func TestStartLeadsWhereABrowserBelongs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		s.leads(s.get("/"), "/login")
		s.settle()
		s.leads(s.get("/"), "/console")
		s.leads(s.post("/console/logout", nil), "/console/login")
		s.leads(s.get("/"), "/login")
	})
}
