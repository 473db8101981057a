package api_test

import "testing"

// TestApplicationAtTheProvider reads and changes the settings of an application as a client of the
// OpenID provider.
func TestApplicationAtTheProvider(t *testing.T) {
	t.Parallel()
	each(t, applicationAtTheProvider)
}

func applicationAtTheProvider(t *testing.T, w *world) {
	made := w.want(201, "POST", "/applications", object{"name": "Example"})
	path := "/applications/" + made.text("id")
	for name, want := range map[string]any{"require_pkce": true, "public": false, "native": false,
		"id_token_signed_response_alg": "RS256", "id_token_claims": "full", "refresh_tokens": "offline_access",
		"refresh_token_leeway_seconds": 30.0} {
		if made[name] != want || w.get(path)[name] != want {
			t.Errorf("%s is %v, want %v", name, made[name], want)
		}
	}
	changes := object{"require_pkce": false, "public": true, "native": true, "id_token_signed_response_alg": "ES256",
		"id_token_claims": "minimal", "redirect_uris": []any{"com.example.app:/callback", "http://127.0.0.1/callback"}}
	w.want(200, "PATCH", path, changes)
	for name, want := range changes {
		if got := w.get(path)[name]; name != "redirect_uris" && got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, body := range []object{
		{"id_token_signed_response_alg": "none"}, {"id_token_signed_response_alg": "HS256"},
		{"id_token_claims": "some"},
		{"refresh_tokens": "never"}, {"refresh_token_leeway_seconds": 61}, {"refresh_token_leeway_seconds": -1},
		{"public": "yes"}, {"require_pkce": 1}, {"refresh": true},
		{"redirect_uris": []any{"javascript:alert(1)"}}, {"redirect_uris": []any{"myapp:/callback"}},
		{"redirect_uris": []any{"com.example.app:/callback#x"}},
		{"native": false}, // which leaves an address that is for native applications only
	} {
		w.want(422, "PATCH", path, body)
	}
}
