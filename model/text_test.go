package model_test

import (
	"strings"
	"testing"

	"rollcall/model"
)

func TestValidURI(t *testing.T) {
	t.Parallel()
	for raw, ok := range map[string]bool{
		"https://app.example/callback?x=1": true, "http://localhost:3000/cb": true, "http://127.0.0.1/cb": true,
		"http://[::1]:8080/":  true,
		"http://app.example/": false, "https://app.example/#part": false, "https://user@app.example/": false,
		"/relative": false, "https:///": false,
		"": false, "javascript:alert(1)": false, "https://app.example/\x00": false,
		"http://localhost.evil.example/": false, "https://" + strings.Repeat("a", 2050): false,
	} {
		if err := model.ValidURI("redirect_uris", raw); (err == nil) != ok {
			t.Errorf("%.60q: %v", raw, err)
		}
	}
}
