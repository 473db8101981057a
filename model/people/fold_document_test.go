package people

import (
	"testing"
)

const benchmarked = `{"userName":"Ada@Contoso.example","externalId":"X-1","displayName":"Ada Okafor",` +
	`"title":"Chief Engineer","locale":"en-GB",` +
	`"name":{"givenName":"Ada","familyName":"Okafor","formatted":"Ada Okafor"},` +
	`"emails":[{"value":"ada@contoso.example","type":"work","primary":true}],` +
	`"phoneNumbers":[{"value":"+49 30 1234","type":"mobile"}],` +
	`"addresses":[{"type":"work","country":"DE","locality":"Köln","streetAddress":"Hauptstraße 1"}],` +
	`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":` +
	`{"department":"IT","employeeNumber":"7","costCenter":"10","manager":{"value":"m"}}}`

func BenchmarkFoldDocument(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := foldDocument(benchmarked); err != nil {
			b.Fatal(err)
		}
	}
}

func TestFoldDocument(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		``:                                       `{}`,
		`{}`:                                     `{}`,
		`{"Ab":"Cd"}`:                            `{"ab":"cd"}`,
		`{"a":[1.50,true,null,{"B":"\"C\\"}]}`:   `{"a":[1.50,true,null,{"b":"\"c\\"}]}`,
		`{"a":"ÄÖ STRASSE ẞ \u00c9"}`:            `{"a":"äö strasse ss é"}`,
		`{"a":"x\u0000y"}`:                       "{\"a\":\"x\ufffdy\"}",
		`{"a":"2026-01-02T03:04:05Z"}`:           `{"a":"2026-01-02t03:04:05"}`,
		`{"a":"2026-01-02T03:04:05.1230+02:00"}`: `{"a":"2026-01-02t01:04:05.123"}`,
		`{"b":"2026-01-02T03:04:05"}`:            `{"b":"2026-01-02t03:04:05"}`,
		`{"a":"2026-13-02T03:04:05Z"}`:           `{"a":"2026-13-02t03:04:05z"}`,
		`{"b":"2026-01-02"}`:                     `{"b":"2026-01-02"}`,
	} {
		if got, err := foldDocument(document); err != nil || got != want {
			t.Errorf("%s: %s, want %s, %v", document, got, want, err)
		}
	}
	if got, err := foldDocument(`{"a`); err == nil {
		t.Errorf("what is no JSON is folded to %s", got)
	}
}
