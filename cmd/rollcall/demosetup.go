package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rollcall/model/entitle"
	"rollcall/testidp"
)

// createDirectory creates an organization with a directory.
func (d *demonstration) createDirectory(ctx context.Context, c *customer) (testidp.ApplicationOptions, error) {
	var organization struct{ ID string }
	err := d.call(ctx, http.MethodPost, "/organizations", map[string]any{
		"name": c.name, "domain_data": []any{map[string]any{"domain": c.domain, "state": "verified"}},
	}, &organization)
	if err != nil {
		return testidp.ApplicationOptions{}, err
	}
	var directory struct {
		ID   string
		SCIM struct {
			BaseURL     string `json:"base_url"`
			BearerToken string `json:"bearer_token"`
		}
	}
	err = d.call(ctx, http.MethodPost, "/directories", map[string]any{
		"organization_id": organization.ID, "name": c.name + "'s directory", "type": c.directoryType,
	}, &directory)
	c.organization, c.directory = organization.ID, directory.ID
	return testidp.ApplicationOptions{
		Name: c.name, SCIMURL: directory.SCIM.BaseURL, Token: directory.SCIM.BearerToken, Dialect: c.dialect,
		Domain: c.domain, Personality: c.personality,
	}, err
}

// createApplication registers the application with its redirect URIs.
func (d *demonstration) createApplication(ctx context.Context, customers []*customer) (analyticsOptions, error) {
	var created struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	}
	err := d.call(ctx, http.MethodPost, "/applications", map[string]any{
		"name": "Proseware Analytics", "redirect_uris": []string{d.app + "/callback"},
		"initiate_login_uri": d.app + "/login", "post_logout_redirect_uris": []string{d.app + "/"},
	}, &created)
	o := analyticsOptions{rollcall: d.api, url: d.app, clientID: created.ClientID, secret: created.ClientSecret}
	for _, c := range customers {
		o.tenants = append(o.tenants, tenant{c.name, c.organization})
	}
	return o, err
}

// createConnection creates the connection of an organization and connects the identity provider.
func (d *demonstration) createConnection(ctx context.Context, c *customer, idp *testidp.Application,
	application string) error {
	var created struct {
		ID   string
		SAML struct {
			EntityID string `json:"sp_entity_id"`
			ACSURL   string `json:"acs_url"`
			SLOURL   string `json:"slo_url"`
		}
	}
	if c.oidc {
		return d.createOIDCConnection(ctx, c, idp, application)
	}
	err := d.call(ctx, http.MethodPost, "/connections", map[string]any{
		"organization_id": c.organization, "name": c.name + "'s sign-on", "connection_type": c.connectionType,
		"saml":                map[string]any{"idp_metadata_xml": string(idp.SAMLMetadata())},
		"allow_idp_initiated": c.tile, "application_id": application,
	}, &created)
	if err != nil {
		return err
	}
	c.connection = created.ID
	if err := idp.ConnectSAML(created.SAML.EntityID, created.SAML.ACSURL); err != nil {
		return err
	}
	return idp.ConnectLogout(created.SAML.SLOURL)
}

// createOIDCConnection does the same over OpenID Connect, with a shared secret.
func (d *demonstration) createOIDCConnection(ctx context.Context, c *customer, idp *testidp.Application,
	application string) error {
	id, secret := "rollcall", rand.Text()
	var created struct {
		ID   string
		OIDC struct {
			RedirectURI string `json:"redirect_uri"`
		}
	}
	err := d.call(ctx, http.MethodPost, "/connections", map[string]any{
		"organization_id": c.organization, "name": c.name + "'s sign-on", "connection_type": c.connectionType,
		"oidc":           map[string]any{"issuer": idp.OIDCIssuer(), "client_id": id, "client_secret": secret},
		"application_id": application,
	}, &created)
	if err != nil {
		return err
	}
	c.connection = created.ID
	return idp.ConnectOIDC(id, secret, created.OIDC.RedirectURI)
}

// license gives an organization an account for all users who sign in through its connection. The
// account has one group for all of them and one for the members of a group of the directory.
func (d *demonstration) license(ctx context.Context, c *customer) error {
	var created struct{ ID string }
	err := d.call(ctx, http.MethodPost, "/accounts",
		map[string]any{"organization_id": c.organization, "name": "Reports"}, &created)
	if err != nil {
		return err
	}
	for _, group := range []map[string]any{
		{"name": "Viewers", "permissions": []string{"report:read"}, "assign_by_default": true},
		{"name": "Editors", "permissions": []string{"report:edit"},
			"mappings": []any{map[string]any{"name": "Engineering"}}},
	} {
		if err := d.call(ctx, http.MethodPost, "/accounts/"+created.ID+"/groups", group, &struct{}{}); err != nil {
			return err
		}
	}
	return d.call(ctx, http.MethodPatch, "/connections/"+c.connection,
		map[string]any{"accounts": []string{created.ID}}, &struct{}{})
}

// licensed waits until a worker has given all users their licenses and groups.
func (d *demonstration) licensed(ctx context.Context, c *customer) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		var progress struct{ State string }
		err := d.call(ctx, http.MethodGet, "/organizations/"+c.organization+"/recompute", nil, &progress)
		if err != nil {
			return err
		}
		if progress.State == string(entitle.RecomputeDone) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the recomputation is %s: %w", progress.State, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// testLogin signs a user in through the connection's own link. A connection is a draft until one
// login has succeeded. It acts as a browser, but copies the login's cookie by hand: the cookie is
// Secure, and Go's cookie jar does not send such a cookie over http.
func (d *demonstration) testLogin(ctx context.Context, c *customer, idp *testidp.Application) error {
	protocol := "saml"
	if c.oidc {
		protocol = "oidc"
	}
	asked, err := d.step(ctx, http.MethodGet, d.api+"/sso/"+protocol+"/"+c.connection+"/login", nil, nil)
	if err != nil {
		return err
	}
	at, err := asked.Location()
	if err != nil {
		return fmt.Errorf("begin: %s, and no address to go to: %w", asked.Status, err)
	}
	query := at.Query()
	query.Set("person", idp.People()[0].ID)
	at.RawQuery = query.Encode()
	var form struct {
		RedirectTo   string `json:"redirect_to"`
		ACSURL       string `json:"acs_url"`
		SAMLResponse string `json:"saml_response"`
		RelayState   string `json:"relay_state"`
	}
	if _, err := d.step(ctx, http.MethodGet, at.String(), nil, nil, &form); err != nil {
		return err
	}
	if c.oidc {
		_, err = d.step(ctx, http.MethodGet, form.RedirectTo, asked.Cookies(), nil)
		return err
	}
	_, err = d.step(ctx, http.MethodPost, form.ACSURL, asked.Cookies(),
		url.Values{"SAMLResponse": {form.SAMLResponse}, "RelayState": {form.RelayState}})
	return err
}

// step sends one request of a browser and follows no redirect. It decodes the answer as JSON if
// into has a value.
func (d *demonstration) step(
	ctx context.Context, method, address string, cookies []*http.Cookie, form url.Values, into ...any,
) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", d.idp) // browsers send the site of the form
	}
	r.Header.Set("Accept", "text/html")
	if len(into) > 0 {
		r.Header.Set("Accept", "application/json")
	}
	for _, cookie := range cookies {
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	browser := http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	answer, err := browser.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("%s %s: %s", method, r.URL.Path, answer.Status)
	}
	for _, target := range into {
		err = errors.Join(err, json.NewDecoder(answer.Body).Decode(target))
	}
	return answer, err
}
