package oidc_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"rollcall/sso/oidc"
)

// What is stored about a person is what the provider says about them, and from the claims that the
// administrator chose.
func TestProfileOfAPerson(t *testing.T) {
	t.Parallel()
	elsewhere := func(claim string) map[string]any {
		return map[string]any{"_claim_names": map[string]string{claim: "src1"},
			"_claim_sources": map[string]any{"src1": map[string]string{"endpoint": "https://idp.example/groups"}}}
	}
	for name, c := range map[string]struct {
		claims map[string]any
		want   func(*oidc.Assertion) bool
	}{
		"the full name": {want: func(a *oidc.Assertion) bool {
			return a.FirstName == "Ada" && a.LastName == "Case" && a.DisplayName == "Ada"
		}},
		"without a full name": {claims: map[string]any{"name": nil}, want: func(a *oidc.Assertion) bool {
			return a.DisplayName == "Ada Case"
		}},
		"space around a name": {claims: map[string]any{"given_name": " Ada "}, want: func(a *oidc.Assertion) bool {
			return a.FirstName == "Ada"
		}},
		"a name that is no text": {claims: map[string]any{"given_name": 1}, want: func(a *oidc.Assertion) bool {
			return a.FirstName == ""
		}},
		"confirmed by a text": {claims: map[string]any{"email_verified": "true"}, want: func(a *oidc.Assertion) bool {
			return a.EmailVerified
		}},
		"not confirmed": {claims: map[string]any{"email_verified": false}, want: func(a *oidc.Assertion) bool {
			return !a.EmailVerified
		}},
		"confirmed by another word": {claims: map[string]any{"email_verified": "yes"},
			want: func(a *oidc.Assertion) bool {
				return !a.EmailVerified
			}},
		"one group as a text": {claims: map[string]any{"groups": "Engineering"}, want: func(a *oidc.Assertion) bool {
			return a.GroupsSent && reflect.DeepEqual(a.Groups, []string{"Engineering"})
		}},
		"groups with space and without a name": {claims: map[string]any{"groups": []any{" a ", "", " ", nil, 7}},
			want: func(a *oidc.Assertion) bool { return reflect.DeepEqual(a.Groups, []string{"a", "7"}) }},
		"no groups": {claims: map[string]any{"groups": []string{}}, want: func(a *oidc.Assertion) bool {
			return a.GroupsSent && len(a.Groups) == 0
		}},
		"groups of null": {claims: map[string]any{"groups": json.RawMessage("null")},
			want: func(a *oidc.Assertion) bool {
				return !a.GroupsSent
			}},
		"too many groups": {claims: elsewhere("groups"),
			want: func(a *oidc.Assertion) bool {
				return !a.GroupsSent && reflect.DeepEqual(a.Warnings, []oidc.Warning{{Reason: oidc.GroupsOverage}})
			}},
		"too many of something else": {claims: elsewhere("roles"),
			want: func(a *oidc.Assertion) bool { return a.GroupsSent && len(a.Warnings) == 0 }},
		"too many for any claim": {claims: map[string]any{"hasgroups": true}, want: func(a *oidc.Assertion) bool {
			return !a.GroupsSent && len(a.Warnings) == 1
		}},
		"attributes": {claims: map[string]any{"department": []any{"a", nil, map[string]int{"b": 1}}, "level": 3,
			"gone": json.RawMessage("null"), "jti": "x"}, want: func(a *oidc.Assertion) bool {
			_, gone := a.Attributes["gone"]
			_, protocol := a.Attributes["jti"]
			return reflect.DeepEqual(a.Attributes["department"], []string{"a", `{"b":1}`}) &&
				reflect.DeepEqual(a.Attributes["level"], []string{"3"}) && !gone && !protocol
		}},
		"when the person authenticated": {claims: map[string]any{"auth_time": 1e9}, want: func(a *oidc.Assertion) bool {
			return a.AuthTime.Equal(time.Unix(1e9, 0))
		}},
		"at the last time that is read": {claims: map[string]any{"auth_time": 1e11},
			want: func(a *oidc.Assertion) bool {
				return a.AuthTime.Equal(time.Unix(1e11, 0))
			}},
		"at a time without meaning": {claims: map[string]any{"auth_time": 1.1e11}, want: func(a *oidc.Assertion) bool {
			return a.AuthTime.IsZero()
		}},
		"at a time that is text": {claims: map[string]any{"auth_time": "now"}, want: func(a *oidc.Assertion) bool {
			return a.AuthTime.IsZero()
		}},
		"without a time": {want: func(a *oidc.Assertion) bool { return a.AuthTime.IsZero() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScripted("https://idp.example")
			s.claims = c.claims
			p, err := s.discover(t)
			if err != nil {
				t.Fatal(err)
			}
			a, err := s.login(t, p, at, at)
			if err != nil {
				t.Fatal(err)
			}
			if !c.want(a) {
				t.Errorf("%+v", a)
			}
		})
	}
}

// A mapping names the claim of each member. No other claim is read for it, so that the e-mail
// address is never confirmed by a word that is about another claim.
func TestMappingNamesTheClaims(t *testing.T) {
	t.Parallel()
	s := newScripted("https://idp.example")
	s.claims = map[string]any{"mail": "grace@contoso.example", "first": "Grace", "surname": "H", "full": "G. H.",
		"roles": []string{"r"}}
	p, err := s.discover(t)
	if err != nil {
		t.Fatal(err)
	}
	client := relying
	client.Mapping = map[string]string{
		"email": "mail", "first_name": "first", "last_name": "surname", "display_name": "full", "groups": "roles",
	}
	secret := oidc.NewSecret()
	s.nonce = nonceOf(t, p, secret)
	tokens, err := p.Exchange(t.Context(), client, "code", secret)
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.Verify(t.Context(), client, tokens, oidc.Expect{Secret: secret, Begun: at, Now: at})
	if err != nil {
		t.Fatal(err)
	}
	got := []any{a.Email, a.EmailVerified, a.FirstName, a.LastName, a.DisplayName, a.Groups}
	want := []any{"grace@contoso.example", false, "Grace", "H", "G. H.", []string{"r"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

// Userinfo is asked for what the token lacks. It may be about nobody else, and the address and the
// word about it come from one source.
func TestUserInfoAddsWhatTheTokenLacks(t *testing.T) {
	t.Parallel()
	answer := func(body string) func(*http.Request) (int, string) {
		return func(r *http.Request) (int, string) {
			if r.Header.Get("Authorization") != "Bearer access" || r.Header.Get("Accept") != "application/json" {
				return http.StatusUnauthorized, ""
			}
			return http.StatusOK, body
		}
	}
	for name, c := range map[string]struct {
		claims map[string]any
		info   func(*http.Request) (int, string)
		asked  int
		reason oidc.Reason
		want   func(*oidc.Assertion) bool
	}{
		"nothing is missing": {info: answer(`{"sub":"1"}`),
			want: func(a *oidc.Assertion) bool { return a.EmailVerified }},
		"the groups": {claims: map[string]any{"groups": nil}, info: answer(`{"sub":"1","groups":["g"]}`), asked: 1,
			want: func(a *oidc.Assertion) bool { return a.GroupsSent && reflect.DeepEqual(a.Groups, []string{"g"}) }},
		"the address and the word about it": {claims: map[string]any{"email": nil, "email_verified": nil},
			info: answer(`{"sub":"1","email":"b@contoso.example","email_verified":true}`), asked: 1,
			want: func(a *oidc.Assertion) bool { return a.Email == "b@contoso.example" && a.EmailVerified }},
		"the token's word is not about userinfo's address": {claims: map[string]any{"email": nil},
			info: answer(`{"sub":"1","email":"b@contoso.example"}`), asked: 1,
			want: func(a *oidc.Assertion) bool { return a.Email == "b@contoso.example" && !a.EmailVerified }},
		"the token's address stays": {claims: map[string]any{"groups": nil, "email_verified": false},
			info: answer(`{"sub":"1","email":"b@contoso.example","email_verified":true}`), asked: 1,
			want: func(a *oidc.Assertion) bool { return a.Email == "ada@contoso.example" && !a.EmailVerified }},
		"userinfo's word about the token's address": {claims: map[string]any{"email_verified": nil},
			info: answer(`{"sub":"1","email":"ada@contoso.example","email_verified":true}`), asked: 1,
			want: func(a *oidc.Assertion) bool { return a.Email == "ada@contoso.example" && a.EmailVerified }},
		"userinfo's word about another address": {claims: map[string]any{"email_verified": nil},
			info: answer(`{"sub":"1","email":"b@contoso.example","email_verified":true}`), asked: 1,
			want: func(a *oidc.Assertion) bool { return a.Email == "ada@contoso.example" && !a.EmailVerified }},
		"userinfo's word about no address": {claims: map[string]any{"email_verified": nil},
			info: answer(`{"sub":"1","email_verified":true}`), asked: 1,
			want: func(a *oidc.Assertion) bool { return a.Email == "ada@contoso.example" && !a.EmailVerified }},
		"somebody else": {claims: map[string]any{"groups": nil}, info: answer(`{"sub":"2"}`), asked: 1,
			reason: oidc.UserInfoSubject},
		"an error": {claims: map[string]any{"groups": nil}, asked: 1, want: unreadable,
			info: func(*http.Request) (int, string) { return http.StatusForbidden, `{"sub":"1"}` }},
		"no JSON": {claims: map[string]any{"groups": nil}, info: answer(`<html>`), asked: 1, want: unreadable},
		"groups that are elsewhere": {claims: map[string]any{"groups": nil, "hasgroups": true},
			info: answer(`{"sub":"1","groups":["g"]}`), want: func(a *oidc.Assertion) bool { return !a.GroupsSent }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScripted("https://idp.example")
			s.document["userinfo_endpoint"] = s.issuer + "/userinfo"
			s.claims, s.answers["/userinfo"] = c.claims, c.info
			p, err := s.discover(t)
			if err != nil {
				t.Fatal(err)
			}
			a, err := s.login(t, p, at, at)
			if got := reasonOf(t, err); got != c.reason {
				t.Fatalf("%q: %v", got, err)
			}
			if s.requests["/userinfo"] != c.asked {
				t.Errorf("userinfo was asked %d times", s.requests["/userinfo"])
			}
			if err == nil && !c.want(a) {
				t.Errorf("%+v", a)
			}
		})
	}
}

// Two spellings of one address are one person's, where the caller says which are the same. Where it
// does not, the word about one spelling is not believed of the other.
func TestVerifiedAddressInAnotherSpelling(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fold func(string) string
		info string
		want bool
	}{
		"the same by its fold":         {fold: strings.ToLower, info: "Ada@Contoso.example", want: true},
		"another by its fold":          {fold: strings.ToLower, info: "b@contoso.example"},
		"without a fold":               {info: "Ada@Contoso.example"},
		"a fold that knows no address": {fold: func(string) string { return "" }, info: "ada@contoso.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScripted("https://idp.example")
			s.document["userinfo_endpoint"] = s.issuer + "/userinfo"
			s.claims = map[string]any{"email_verified": nil}
			s.answers["/userinfo"] = func(*http.Request) (int, string) {
				return http.StatusOK, `{"sub":"1","email":"` + c.info + `","email_verified":true}`
			}
			p, err := s.discover(t)
			if err != nil {
				t.Fatal(err)
			}
			client := relying
			client.FoldEmail = c.fold
			a, err := s.loginOf(t, p, client, at, at)
			if err != nil || a.EmailVerified != c.want {
				t.Errorf("%+v: %v", a, err)
			}
		})
	}
}

// unreadable reports whether the login succeeded with a note that userinfo was not read.
func unreadable(a *oidc.Assertion) bool {
	return !a.GroupsSent && len(a.Warnings) == 1 && a.Warnings[0].Reason == oidc.UserInfoUnreachable &&
		strings.Contains(a.Warnings[0].Received, "status ")
}

// The text for the server's log has the reason and nothing of the sender's.
func TestErrorTextIsWithoutTheSendersText(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for want, r := range map[string]*oidc.Refused{
		"oidc: no_code":                  {Reason: oidc.NoCode, Received: "personal", Err: cause},
		"oidc: no_code: expected a code": {Reason: oidc.NoCode, Expected: "a code", Received: "personal", Err: cause},
	} {
		if r.Error() != want || !errors.Is(r, cause) {
			t.Errorf("%q", r.Error())
		}
	}
}
