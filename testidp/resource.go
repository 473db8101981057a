package testidp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

const (
	coreUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	coreGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	patchSchema    = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// resource is a User or Group as a server returned it. Only the attributes that the dialects need
// are read. A value of an unexpected type counts as absent, because the server may be unfinished.
type resource map[string]any

// text returns the string at a path of attribute names, or "".
func (r resource) text(path ...string) string {
	var v any = map[string]any(r)
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	s, _ := v.(string)
	return s
}

// element returns the value of the element of a multi-valued attribute that has the given type.
func (r resource) element(attribute, typ string) string {
	list, _ := r[attribute].([]any)
	for _, v := range list {
		if e := asObject(v); strings.EqualFold(e.text("type"), typ) {
			return e.text("value")
		}
	}
	return ""
}

// active reports whether the user is active. It is false only for false, also as a string.
func (r resource) active() bool {
	switch v := r["active"].(type) {
	case bool:
		return v
	case string:
		return !strings.EqualFold(v, "false")
	}
	return true
}

// set sets an attribute, or removes it if the value is empty.
func (r resource) set(attribute, v string) {
	if v == "" {
		delete(r, attribute)
		return
	}
	r[attribute] = v
}

// asObject returns a JSON object, and nil for any other value.
func asObject(v any) resource {
	m, _ := v.(map[string]any)
	return m
}

// decode decodes JSON. It keeps the text of numbers, so that a PUT sends them back unchanged.
func decode(answer []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	return d.Decode(into)
}

// list sends a query and returns the resources in the response. A 404 counts as an empty list,
// which Okta's documentation allows.
func (c *client) list(ctx context.Context, path, query string) ([]resource, error) {
	answer, err := c.send(ctx, http.MethodGet, path, query, nil)
	if refused := new(Refused); errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var page struct{ Resources []resource }
	if err := decode(answer, &page); err != nil {
		return nil, &Refused{http.MethodGet, path, http.StatusOK, "", "the answer is not a ListResponse"}
	}
	return page.Resources, nil
}

// read reads one resource.
func (c *client) read(ctx context.Context, path, query string) (resource, error) {
	answer, err := c.send(ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return nil, err
	}
	var r resource
	if err := decode(answer, &r); err != nil {
		return nil, &Refused{http.MethodGet, path, http.StatusOK, "", "the answer is not a JSON object"}
	}
	return r, nil
}

// readIfThere is read, but returns nil if the server does not have the resource.
func (c *client) readIfThere(ctx context.Context, path, query string) (resource, error) {
	r, err := c.read(ctx, path, query)
	if gone(err) {
		return nil, nil
	}
	return r, err
}

// create sends a POST and returns the id in the response. A response without one is an error, as it
// is for Okta ("Create new user returned empty user").
func (c *client) create(ctx context.Context, path string, body any) (string, error) {
	answer, err := c.send(ctx, http.MethodPost, path, "", body)
	if err != nil {
		return "", err
	}
	var r resource
	if decode(answer, &r) != nil || r.text("id") == "" {
		return "", &Refused{http.MethodPost, path, http.StatusCreated, "",
			"the answer has no id; return the created resource (RFC 7644 §3.3)"}
	}
	return r.text("id"), nil
}

// patch sends one PATCH. Both 200 and 204 are success.
func (c *client) patch(ctx context.Context, path string, ops []patchOp) error {
	_, err := c.send(ctx, http.MethodPatch, path, "", patchRequest{[]string{patchSchema}, ops})
	return err
}

// delete sends a DELETE. It succeeds too if the server does not have the resource.
func (c *client) delete(ctx context.Context, path string) error {
	_, err := c.send(ctx, http.MethodDelete, path, "", nil)
	if gone(err) {
		return nil
	}
	return err
}

// gone reports whether an error means that the server does not have the resource.
func gone(err error) bool {
	refused := new(Refused)
	return errors.As(err, &refused) && (refused.Status == http.StatusNotFound || refused.Status == http.StatusGone)
}

type patchRequest struct {
	Schemas    []string  `json:"schemas"`
	Operations []patchOp `json:"Operations"`
}

type patchOp struct {
	Op    string `json:"op"`
	Path  string `json:"path,omitempty"`
	Value any    `json:"value,omitempty"`
}

func userPath(id string) string  { return "/Users/" + url.PathEscape(id) }
func groupPath(id string) string { return "/Groups/" + url.PathEscape(id) }

// equals returns the filter `attribute eq "value"`. By RFC 7644 §3.4.2.2, the value is quoted as in
// JSON. There are no control characters in it, because the directory refuses them.
func equals(attribute, value string) string {
	return attribute + ` eq "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// escape escapes a filter for a query like both identity providers, with spaces as %20.
func escape(filter string) string {
	return strings.ReplaceAll(url.QueryEscape(filter), "+", "%20")
}
