package oidc

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// claims are the claims of an ID token or of userinfo, as JSON.
type claims map[string]json.RawMessage

// has reports whether there is a claim that is not null.
func (c claims) has(name string) bool {
	return len(c[name]) > 0 && string(c[name]) != "null"
}

// exact returns a claim that is a string, as it was sent. It returns "" for any other.
func (c claims) exact(name string) string {
	var s string
	if json.Unmarshal(c[name], &s) != nil {
		return ""
	}
	return s
}

// text is exact without space around it.
func (c claims) text(name string) string { return strings.TrimSpace(c.exact(name)) }

// list returns a claim that is a list of strings, and nil for any other.
func (c claims) list(name string) []string {
	var list []string
	if json.Unmarshal(c[name], &list) != nil {
		return nil
	}
	return list
}

// kind returns what a claim is in JSON.
func (c claims) kind(name string) string {
	switch text := strings.TrimSpace(string(c[name])); {
	case text == "" || text == "null":
		return "missing"
	case text[0] == '"':
		return "a text"
	case text[0] == '[':
		return "a list"
	case text[0] == '{':
		return "an object"
	case text == "true" || text == "false":
		return "true or false"
	}
	return "a number"
}

// isTrue reports whether a claim is true. Some providers send it as a string, Entra ID as a number.
func (c claims) isTrue(name string) bool {
	return slices.Contains([]string{"true", `"true"`, "1", `"1"`}, string(c[name]))
}

// time returns a claim that is a NumericDate (RFC 7519, section 2).
func (c claims) time(name string) (time.Time, bool) {
	var seconds float64
	if !c.has(name) || json.Unmarshal(c[name], &seconds) != nil || math.Abs(seconds) > 1e11 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// values returns the elements of a claim that is a list, or else the claim itself. A value that is
// not a string is returned as its JSON text.
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

// protocolClaims are the claims about the token and not about the person. Most of them differ at
// each login: if they were stored, each login would change the user's row.
var protocolClaims = []string{
	"iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "s_hash", "sid",
	"auth_time", "acr", "amr", "uti", "rh", "aio", "ver", "_claim_names", "_claim_sources",
}

// attributes returns all claims about the person.
func (c claims) attributes() map[string][]string {
	out := map[string][]string{}
	for name := range c {
		if !slices.Contains(protocolClaims, name) && c.has(name) {
			out[name] = c.values(name)
		}
	}
	return out
}

// groups returns the groups in a claim, and whether the claim is there. overage reports that there
// were too many groups for the token: Entra ID then sends an address that has them (_claim_names),
// or only that there are some (hasgroups).
func (c claims) groups(name string) (groups []string, sent, overage bool) {
	var elsewhere map[string]json.RawMessage
	if c.has("_claim_names") && json.Unmarshal(c["_claim_names"], &elsewhere) == nil {
		_, overage = elsewhere[name]
	}
	if overage || c.isTrue("hasgroups") {
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

// displayName returns the person's full name.
func (c claims) displayName() string {
	if name := c.text("name"); name != "" {
		return name
	}
	return strings.TrimSpace(fmt.Sprint(c.text("given_name"), " ", c.text("family_name")))
}
