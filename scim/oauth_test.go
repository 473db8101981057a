package scim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// credentials makes client credentials for the client's directory.
func (c *client) credentials() (id, secret, token string) {
	c.t.Helper()
	t, secret, err := directory.Of(c.org, c.directory.ID).CreateClient(c.t.Context(), "Entra", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return t.ClientID(), secret, t.ID
}

// buy requests an access token. The credentials are sent by Basic authentication unless user is
// empty.
func (d *deployment) buy(form url.Values, user, password string) reply {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), "POST", d.url+"/scim/oauth2/token",
		strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	w, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	a := reply{status: w.StatusCode, header: w.Header, text: string(text)}
	if err := json.Unmarshal(text, &a.body); err != nil {
		d.t.Fatalf("%s: %v", text, err)
	}
	return a
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	clock := modeltest.NewClock()
	grant := func(more ...string) url.Values {
		v := url.Values{"grant_type": {"client_credentials"}}
		for i := 0; i < len(more); i += 2 {
			v.Add(more[i], more[i+1])
		}
		return v
	}
	modeltest.EachWith(t, store.Options{Now: clock.Now}, func(t *testing.T, store *store.Store) {
		c := newClient(t, store)
		id, secret, tokenID := c.credentials()
		get := func(status int, token string) {
			t.Helper()
			c.want(status, "GET", "/Users?count=1", "", "Authorization", "Bearer "+token)
		}
		var token string
		for name, a := range map[string]reply{
			"in the body": c.buy(grant("client_id", id, "client_secret", secret, "scope", "scim"),
				"", ""),
			"by Basic":                          c.buy(grant(), id, secret),
			"by Basic, with the id in the body": c.buy(grant("client_id", id), id, url.QueryEscape(secret)),
		} {
			token, _ = a.body["access_token"].(string)
			if a.status != 200 || a.body["token_type"] != "Bearer" || a.body["expires_in"] != 3600.0 ||
				a.header.Get("Cache-Control") != "no-store" {
				t.Fatalf("%s: %d %s", name, a.status, a.text)
			}
			get(200, token)
		}
		for name, test := range map[string]struct {
			form           url.Values
			user, password string
			status         int
			code           string
		}{
			"no grant": {url.Values{"client_id": {id}, "client_secret": {secret}}, "", "", 400,
				"invalid_request"},
			"another grant": {url.Values{"grant_type": {"password"}, "client_id": {id},
				"client_secret": {secret}}, "", "", 400, "unsupported_grant_type"},
			"no client": {grant(), "", "", 401, "invalid_client"},
			"a wrong secret": {grant("client_id", id, "client_secret", secret+"x"), "", "", 401,
				"invalid_client"},
			"another client's": {grant("client_id", model.DirectoryTokenPrefix.ID(nobody), "client_secret",
				secret), "", "", 401, "invalid_client"},
			"the bearer token":      {grant("client_id", id, "client_secret", c.token), "", "", 401, "invalid_client"},
			"a wrong secret, Basic": {grant(), id, "x", 401, "invalid_client"},
			"two secrets":           {grant("client_secret", secret), id, secret, 400, "invalid_request"},
			"a parameter twice": {grant("client_id", id, "client_secret", secret, "client_secret", secret), "", "",
				400, "invalid_request"},
			"too much": {grant("client_id", id, "client_secret", strings.Repeat("x", 1<<20)), "", "", 400,
				"invalid_request"},
		} {
			a := c.buy(test.form, test.user, test.password)
			if a.status != test.status || a.body["error"] != test.code || strings.Contains(a.text, secret) {
				t.Errorf("%s: %d %s", name, a.status, a.text)
			}
			if basic := a.header.Get("WWW-Authenticate") != ""; basic != (test.user != "" && test.status == 401) {
				t.Errorf("%s: WWW-Authenticate %q", name, a.header.Get("WWW-Authenticate"))
			}
		}
		for name, bad := range map[string]string{
			"the secret": secret, "the id": id, "a changed token": token[:10] + "AAAA" + token[14:],
			"a cut one": token[:len(token)-1], "nothing of it": "rc_da_",
		} {
			if a := c.do("GET", "/Users", "", "Authorization", "Bearer "+bad); a.status != 401 {
				t.Errorf("%s opens the directory: %d", name, a.status)
			}
		}
		other := c.deployment.client(c.organization("Contoso"))
		if a := other.do("GET", "/Users", "", "Authorization", "Bearer "+token); a.status != 404 {
			t.Errorf("another directory: %d", a.status)
		}
		clock.Advance(directory.AccessTokenLifetime - time.Second)
		get(200, token)
		clock.Advance(time.Second)
		get(401, token)

		token = c.buy(grant(), id, secret).body["access_token"].(string)
		get(200, token)
		if err := directory.Of(c.org, c.directory.ID).RevokeToken(t.Context(), tokenID); err != nil {
			t.Fatal(err)
		}
		get(401, token)
		if a := c.buy(grant(), id, secret); a.status != 401 {
			t.Errorf("revoked credentials: %d %s", a.status, a.text)
		}
		until := model.TimeOf(clock.Now().Add(time.Minute))
		short, secret, err := directory.Of(c.org, c.directory.ID).CreateClient(t.Context(), "short", &until)
		if err != nil {
			t.Fatal(err)
		}
		a := c.buy(grant(), short.ClientID(), secret)
		if get(200, a.body["access_token"].(string)); a.body["expires_in"] != 60.0 {
			t.Error(a.text)
		}
		clock.Advance(time.Minute)
		get(401, a.body["access_token"].(string))
		if a := c.buy(grant(), short.ClientID(), secret); a.status != 401 {
			t.Errorf("expired credentials: %d %s", a.status, a.text)
		}
	})
}
