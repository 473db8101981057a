//go:build interop

package sso_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// hook is an application's receiver of webhooks, which keeps the delivery about the awkward person.
type hook struct {
	*httptest.Server
	first chan map[string]any
}

func newHook(t *testing.T) *hook {
	h := &hook{first: make(chan map[string]any, 1)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("a delivery breaks off: %v", err)
		}
		if !strings.Contains(string(body), "awkward") {
			return // somebody of the second before the endpoint was made
		}
		headers := map[string]string{}
		for name := range r.Header {
			headers[strings.ToLower(name)] = r.Header.Get(name)
		}
		select {
		case h.first <- map[string]any{"body": string(body), "headers": headers}:
		default:
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// awkward is a person whose data every JSON library writes in its own way.
const awkward = `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:example:awkward"],
	"userName": "zo\u00eb@awkward.example", "displayName": "<Zo\u00eb> & </script> \u2028 \"quoted\" \\ \ud83d\ude00",
	"urn:example:awkward": {"10": 1e2, "2": -0, "b": 1.0, "a": 12345678901234567890, "__proto__": "kept"}}`

// told has the application told of an awkward person of another organization, and returns the
// delivery with the secret of its endpoint.
func (p *program) told(t *testing.T) map[string]any {
	t.Helper()
	var organization struct{ ID string }
	p.call(t, http.MethodPost, "/organizations", map[string]any{"name": "Awkward"}, &organization)
	var directory struct {
		SCIM struct {
			BaseURL     string `json:"base_url"`
			BearerToken string `json:"bearer_token"`
		}
	}
	p.call(t, http.MethodPost, "/directories", map[string]any{"organization_id": organization.ID, "name": "People",
		"type": "generic scim v2.0"}, &directory)
	var endpoint struct{ ID, Secret string }
	status, text := p.send(t, http.MethodPost, p.url+"/webhook_endpoints", p.secret, "application/json",
		map[string]any{"endpoint_url": p.hook.URL + "/hook", "events": []string{"dsync.user.created"}})
	if status != http.StatusCreated {
		t.Fatalf("the endpoint: %d %s", status, text)
	}
	must(t, json.Unmarshal(text, &endpoint))
	status, text = p.send(t, http.MethodPost, directory.SCIM.BaseURL+"/Users", directory.SCIM.BearerToken,
		"application/scim+json", json.RawMessage(awkward))
	if status != http.StatusCreated {
		t.Fatalf("the person: %d %s", status, text)
	}
	select {
	case got := <-p.hook.first:
		got["secret"] = endpoint.Secret
		p.call(t, http.MethodDelete, "/organizations/"+organization.ID, nil, nil)
		return got
	case <-time.After(30 * time.Second):
		t.Fatal("no webhook came")
		return nil
	}
}
