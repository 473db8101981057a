package oidc

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// claims are those of an ID token or of userinfo, as JSON.
type claims map[string]json.RawMessage

// has tells whether there is a claim that says something; null says nothing.
func (c claims) has(name string) bool {
	return len(c[name]) > 0 && string(c[name]) != "null"
}

// text is a claim that is a text; empty when it is something else.
func (c claims) text(name string) string {
	var s string
	if json.Unmarshal(c[name], &s) != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

// yes tells whether a claim is true. Some providers send it as a text, Entra ID as a number.
func (c claims) yes(name string) bool {
	return slices.Contains([]string{"true", `"true"`, "1", `"1"`}, string(c[name]))
}

// time is a claim that is a NumericDate (RFC 7519, section 2).
func (c claims) time(name string) (time.Time, bool) {
	var seconds float64
	if !c.has(name) || json.Unmarshal(c[name], &seconds) != nil || math.Abs(seconds) > 1e11 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// values are a claim's: itself, or the members of its list. What is neither text, number nor boolean
// is kept as its JSON.
func (c claims) values(name string) []string {
	var list []json.RawMessage
	if json.Unmarshal(c[name], &list) != nil {
		list = []json.RawMessage{c[name]}
	}
	out := []string{}
	for _, raw := range list {
		var s string
		switch {
		case string(raw) == "null":
		case json.Unmarshal(raw, &s) == nil:
			out = append(out, s)
		default:
			out = append(out, string(raw))
		}
	}
	return out
}

// ofProtocol are the claims that tell of the token and not of the person. Most of them differ at each
// login, which would have what is kept of a person written each time.
var ofProtocol = []string{"iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "s_hash", "sid", "auth_time",
	"acr", "amr", "uti", "rh", "aio", "ver", "_claim_names", "_claim_sources"}

// attributes are all claims that tell of the person.
func (c claims) attributes() map[string][]string {
	out := map[string][]string{}
	for name := range c {
		if !slices.Contains(ofProtocol, name) && c.has(name) {
			out[name] = c.values(name)
		}
	}
	return out
}

// groups are those that a claim names, and whether it is there. In place of too many, Entra ID sends
// where they could be asked for, or only that there are some.
func (c claims) groups(name string) (groups []string, sent, overage bool) {
	var elsewhere map[string]json.RawMessage
	if c.has("_claim_names") && json.Unmarshal(c["_claim_names"], &elsewhere) == nil {
		_, overage = elsewhere[name]
	}
	if overage || c.yes("hasgroups") {
		return nil, false, true
	}
	if !c.has(name) {
		return nil, false, false
	}
	for _, v := range c.values(name) {
		if v = strings.TrimSpace(v); v != "" {
			groups = append(groups, v)
		}
	}
	return groups, true, false
}

// first is the first of some claims that is a text.
func (c claims) first(names ...string) string {
	for _, name := range names {
		if s := c.text(name); s != "" {
			return s
		}
	}
	return ""
}

// displayName is the name in one piece.
func (c claims) displayName() string {
	if name := c.text("name"); name != "" {
		return name
	}
	return strings.TrimSpace(fmt.Sprint(c.text("given_name"), " ", c.text("family_name")))
}
