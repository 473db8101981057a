package trust_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rollcall/model/refusal"
	"rollcall/sso/oidc"
	"rollcall/sso/saml"
	"rollcall/trust"
)

// statuses are the status codes of SAML Core, section 3.2.2.2.
var statuses = []string{
	"Requester", "Responder", "VersionMismatch", "AuthnFailed", "InvalidAttrNameOrValue", "InvalidNameIDPolicy",
	"NoAuthnContext", "NoAvailableIDP", "NoPassive", "NoSupportedIDP", "PartialLogout", "ProxyCountExceeded",
	"RequestDenied", "RequestUnsupported", "RequestVersionDeprecated", "RequestVersionTooHigh",
	"RequestVersionTooLow", "ResourceNotRecognized", "TooManyResponses", "UnknownAttrProfile", "UnknownPrincipal",
	"UnsupportedBinding",
}

const statusPrefix = "urn:oasis:names:tc:SAML:2.0:status:"

// causesOf reads the causes of not_provisioned from their source, so that none is forgotten.
func causesOf(t *testing.T) (causes []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), personReasons, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Cause" {
			text := ""
			ast.Inspect(spec.Values[0], func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok {
					part, _ := strconv.Unquote(literal.Value)
					text += part
				}
				return true
			})
			causes = append(causes, text)
		}
		return true
	})
	if len(causes) < 5 {
		t.Fatalf("read only %q", causes)
	}
	return causes
}

// faults are all faults that have a text of their own, by a name, for one protocol.
func faults(t *testing.T, openID bool) map[string]trust.Fault {
	out := map[string]trust.Fault{}
	reasons := append(reasonsOf(t, personReasons), reasonsOf(t, samlReasons)...)
	if openID {
		reasons = append(reasonsOf(t, personReasons), reasonsOf(t, openIDReasons)...)
	}
	for _, r := range reasons {
		out[r] = trust.Fault{Reason: r}
	}
	for _, cause := range causesOf(t) {
		out["not_provisioned, "+cause] = trust.Fault{Reason: string(refusal.NotProvisioned), Expected: cause}
	}
	if openID {
		for _, code := range oidc.Codes {
			out["the code "+code] = trust.Fault{Reason: string(oidc.ProviderError), Received: code + ": a reason"}
		}
		return out
	}
	for _, status := range statuses {
		out["the status "+status] = trust.Fault{Reason: string(saml.BadStatus), Received: statusPrefix + status}
	}
	out["a signature of ours"] = trust.Fault{Reason: string(saml.BadStatus),
		Received: statusPrefix + "Requester Invalid signature on AuthnRequest"}
	return out
}

// todo is a word by which a text says what to change, look at or do.
var todo = regexp.MustCompile(`\b(Add|Allow|Ask|Assign|Begin|Change|Check|Choose|Compare|Connect|Copy|Correct|Do|` +
	`Download|Enter|Give|Grant|Have|Leave|Let|Limit|Look|Make|Open|Paste|Register|Remove|Renew|Report|Send|Set|Sign|` +
	`Start|Switch|Take|Tell|Use|Verify|Wait|Write|add|allow|assign|begin|check|choose|compare|look|open|send|` +
	`register|set|sign|switch|tell|update|wait)\b`)

// named is something that an administrator finds on a screen, in a message or in our settings: an
// identifier of a protocol, or one of these words.
var named = regexp.MustCompile(`\b[a-z]+_[a-z_]+\b|\b[a-z]+[A-Z][A-Za-z]+\b|\b[A-Z][a-z]+[A-Z][A-Za-z]*\b|\b(ACS|AES|` +
	`DEFLATE|HTTP-POST|JSON|RS256|RSA|SAML|SHA-256|SHA-1|TLS|UTF-8|XML|algorithm|address|application|assertion|` +
	`attribute|attributes|audience|authentication|authorization code|binding|browser|button|certificate|` +
	`certificates|claim|client|clock|clocks|code|connection|cookie|cookies|crit|discovery document|domain|domains|` +
	`elements?|encoding|encrypted|entity ID|exp|externalId|fields|format|groups|iat|ID token|identity provider|` +
	`iss|issuer|jit|key|keys|kid|license|log|login|logout|member|message|metadata|nbf|nonce|NameID|oid|parameter|` +
	`parameters|password|person|policy|PKCE|query|redirect URI|requests?|response|scopes?|seats|secret|session|` +
	`signature|state|status|sub|subject|tenant|tid|time|tombstone|userName|userinfo|value|values|version)\b`)

// guesses are words by which a text states one guess for the fact.
var guesses = regexp.MustCompile(`\b([Oo]ften|mostly|[Pp]robably|presumably|[Uu]sually|obviously|must have)\b`)

// atProvider matches advice to change something in the provider's console.
var atProvider = regexp.MustCompile(`at the provider[^'a-z]`)

// TestWordingOfEveryReason walks what the login log can say. Each text names what it is about and
// what to change, accuses nobody without need, and speaks the language of its protocol.
func TestWordingOfEveryReason(t *testing.T) {
	foreign := map[bool]*regexp.Regexp{
		true:  regexp.MustCompile(`RelayState|allow_idp_initiated|AuthnInstant|NameID|assertion's|SAMLResponse|ACS\b`),
		false: regexp.MustCompile(`client_id|oidc\.|\buserinfo\b|\bauth_time\b|redirect URI\b|\bid_token\b`),
	}
	for _, openID := range []bool{false, true} {
		c := overSAML
		if openID {
			c = overOpenID
		}
		seen := map[string]string{}
		for name, f := range faults(t, openID) {
			text, where := trust.Explain(f, c)
			fail := func(rule string) { t.Errorf("%s over %s: %s: %q", name, c.Type, rule, text) }
			if !strings.HasSuffix(text, ".") || strings.Contains(text, "  ") || strings.Contains(text, "..") {
				fail("not whole sentences")
			}
			if words := len(strings.Fields(text)); words < 6 || words > 85 {
				fail(fmt.Sprint(words, " words"))
			}
			if !todo.MatchString(text) {
				fail("nothing to do")
			}
			if !named.MatchString(text) {
				fail("nothing is named")
			}
			if guesses.MatchString(text) {
				fail("a guess")
			}
			// A template, a plug-in or a proxy can have made whatever an attacker can.
			if strings.Contains(text, "forge") {
				fail("somebody is accused")
			}
			// Some shared reasons are of one protocol only.
			shared := slices.Contains([]string{"subject_missing", "subject_transient", "logout_subject_unknown",
				"logout_session_unknown", "logout_replayed"}, f.Reason)
			if word := foreign[openID].FindString(text); word != "" && !shared {
				fail("of the other protocol: " + word)
			}
			if other, twice := seen[text]; twice && !sameMeaning(name, other) {
				fail("the same as " + other)
			}
			seen[text] = name
			if atProvider.MatchString(text) && where == "" && openID {
				fail("no screen")
			}
		}
	}
}

// sameMeaning reports whether two faults may have one text.
func sameMeaning(a, b string) bool {
	same := [][]string{{"client_refused", "the code invalid_client"}, {"code_refused", "the code invalid_grant"}}
	return slices.ContainsFunc(same, func(s []string) bool { return slices.Contains(s, a) && slices.Contains(s, b) })
}

// TestCodesHaveTheirOwnAdvice: each error of OAuth 2.0 and each status of SAML leads to what it is
// about.
func TestCodesHaveTheirOwnAdvice(t *testing.T) {
	unknown, _ := trust.Explain(trust.Fault{Reason: string(oidc.ProviderError), Received: "own_code: no"}, overOpenID)
	if unknown != trust.Advice(string(oidc.ProviderError), overOpenID) {
		t.Errorf("a code that nobody defines: %q", unknown)
	}
	for _, code := range oidc.Codes {
		for _, reason := range []oidc.Reason{oidc.ProviderError, oidc.TokenError} {
			for _, received := range []string{code, code + ": with a description", code + ": a: b"} {
				text, _ := trust.Explain(trust.Fault{Reason: string(reason), Received: received}, overOpenID)
				if text == unknown || text == trust.Advice(string(reason), overOpenID) {
					t.Errorf("%s, %s: %q", reason, received, text)
				}
			}
		}
	}
	for _, c := range []struct {
		received, says, where string
	}{
		{"Requester InvalidNameIDPolicy", "name_id_format", "Name ID format"},
		{"Responder UnknownPrincipal the user is not known", "does not know the person", "Assignments"},
		{"Responder NoPassive", "no session at the identity provider", "System Log"},
		{"Requester Invalid signature on AuthnRequest", "sp_metadata_url", "Signature Certificate"},
		{"Responder The signing certificate of the request is not valid", "failed on its own side", "System Log"},
		{"Requester RequestDenied", "refuses to act", "Assignments"},
		{"Responder urn:vendor:own", "failed on its own side", "System Log"},
		{"VersionMismatch RequestVersionTooLow", "newer version", "Single sign-on URL"},
	} {
		received := statusPrefix + c.received
		for _, code := range statuses {
			received = strings.Replace(received, " "+code, " "+statusPrefix+code, 1)
		}
		text, where := trust.Explain(trust.Fault{Reason: string(saml.BadStatus), Received: received}, of("OktaSAML"))
		if !strings.Contains(text, c.says) || !strings.Contains(where, c.where) {
			t.Errorf("%s: %q at %q", c.received, text, where)
		}
	}
	for received, want := range map[string][2]string{
		"access_denied: AADSTS50105": {"Assign the person", "Users and groups"},
		"login_required":             {"no session at the provider", "Sign-in logs"},
		"invalid_scope":              {"oidc.scopes", "API permissions"},
		"temporarily_unavailable":    {"Wait some", "Sign-in logs"},
		"server_error":               {"Wait some", "Sign-in logs"},
	} {
		f := trust.Fault{Reason: string(oidc.ProviderError), Received: received}
		text, where := trust.Explain(f, of("EntraIdOIDC"))
		if !strings.Contains(text, want[0]) || !strings.Contains(where, want[1]) {
			t.Errorf("%s: %q at %q", received, text, where)
		}
	}
}

// TestCausesOfNotProvisioned: what is missing decides which screen is named.
func TestCausesOfNotProvisioned(t *testing.T) {
	for cause, want := range map[refusal.Cause][4]string{
		refusal.CauseNoEmail: {"attribute_mapping.email", "Attribute Statements", "attribute_mapping.email",
			"Optional claims"},
		refusal.CauseUnverified: {"trust_email", "Attribute Statements", "email_verified", "xms_edov"},
		refusal.CauseNoCreation: {"jit", "Assignments", "jit", "Users and groups"},
		refusal.CauseDomain:     {"Verify the domain", "Attribute Statements", "Verify the domain", "Optional claims"},
		refusal.CauseSubject:    {"NameID", "Name ID format", "subject", "Optional claims"},
	} {
		f := trust.Fault{Reason: string(refusal.NotProvisioned), Expected: string(cause)}
		saml, samlWhere := trust.Explain(f, of("OktaSAML"))
		openID, openIDWhere := trust.Explain(f, of("EntraIdOIDC"))
		for i, got := range []string{saml, samlWhere, openID, openIDWhere} {
			if !strings.Contains(got, want[i]) {
				t.Errorf("%s: %q, without %s", cause, got, want[i])
			}
		}
	}
}
