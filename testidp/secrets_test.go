package testidp_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"rollcall/testidp"
)

// If a server repeats the token and the password in its responses, the pages do not show them.
func TestSecretsStayOut(t *testing.T) {
	f := newSCIMServer(t)
	var log bytes.Buffer
	s := newServer(t, f, testidp.Okta, func(o *testidp.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	passwords := []string{}
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && r.URL.Path == "/scim/v2/Users" {
			p := f.requests[len(f.requests)-1].Body.(map[string]any)["password"].(string)
			passwords = append(passwords, p)
			reply(w, http.StatusBadRequest,
				map[string]any{"detail": "no: " + r.Header.Get("Authorization"), "password": p})
			return true
		}
		return false
	})
	a := s.Applications()[0]
	o, err := a.Assign(ctx, "jun.takahashi")
	if err == nil || len(passwords) != 1 {
		t.Fatalf("error %v, %d passwords", err, len(passwords))
	}
	page, _ := get(t, s, "/applications/1?done=1", nil)
	script, _ := get(t, s, "/applications/1", map[string]string{"Accept": "application/json"})
	for where, text := range map[string]string{"page": page, "JSON": script, "error": err.Error(),
		"operation": o.Problem, "log": log.String()} {
		if strings.Contains(text, token) || strings.Contains(text, passwords[0]) {
			t.Errorf("the %s has a secret in it:\n%s", where, text)
		}
	}
	if !strings.Contains(page, "(token)") || !strings.Contains(page, "(hidden)") {
		t.Error("the page does not show where secrets were left out")
	}
	for _, personal := range []string{"Takahashi", "acme.example", "takahashi"} {
		if strings.Contains(log.String(), personal) {
			t.Errorf("the log has %q in it:\n%s", personal, log.String())
		}
	}
	if !strings.Contains(log.String(), "failed=true") {
		t.Errorf("the log does not say that the operation failed:\n%s", log.String())
	}
}
