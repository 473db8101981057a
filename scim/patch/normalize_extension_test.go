package patch

import (
	"strings"
	"testing"
)

func TestNormalizeExtensionsOfUsers(t *testing.T) {
	for _, c := range []normalizeTest{
		{"integer with a fraction", `{"op":"replace","path":"A:level","value":7.5}`,
			`invalidValue: Operations[0]: A:level must be a whole number`},
		{"integer beyond 2^53", `{"op":"replace","path":"A:level","value":9007199254740993}`,
			`replace A:level 9007199254740993`},
		{"decimal as string", `{"op":"replace","path":"A:score","value":"1.50"}`, `replace A:score 1.50`},
		{"decimal a word", `{"op":"replace","path":"A:score","value":"much"}`,
			`invalidValue: Operations[0]: A:score must be a number`},
		{"number out of range", `{"op":"replace","path":"A:score","value":1e999}`,
			`invalidValue: "value" is a number out of range`},
		{"number too small", `{"op":"replace","path":"A:score","value":1e-400000}`,
			`invalidValue: "value" is a number out of range`},
		{"nothing with too many digits", `{"op":"replace","path":"X:n","value":0e-99999999999999999999}`,
			`invalidValue: "value" is a number out of range`},
		{"number too small in a string", `{"op":"replace","path":"A:score","value":"1E-400000"}`,
			`invalidValue: Operations[0]: A:score must be a number`},
		{"number too long in a string", `{"op":"replace","path":"A:score","value":"0.` + strings.Repeat("1", 50) + `"}`,
			`invalidValue: Operations[0]: A:score must be a number`},
		{"small number", `{"op":"replace","path":"A:score","value":1e-300}`, `replace A:score 1e-300`},
		{"number too long", `{"op":"replace","path":"A:score","value":0.` + strings.Repeat("1", 50) + `}`,
			`invalidValue: "value" is a number out of range`},
		{"date", `{"op":"replace","path":"A:hired","value":"2020-01-01T00:00:00.1234567+01:00"}`,
			`replace A:hired "2020-01-01T00:00:00.1234567+01:00"`},
		{"date without a zone", `{"op":"replace","path":"A:hired","value":"2020-01-01T00:00:00"}`,
			`replace A:hired "2020-01-01T00:00:00"`},
		{"date wrong", `{"op":"replace","path":"A:hired","value":"yesterday"}`,
			`invalidValue: Operations[0]: A:hired must be a date and time such as 2026-01-02T03:04:05Z`},
		{"x509 base64", `{"op":"add","path":"x509Certificates","value":[{"value":"MIIDQzCCAqygAwIBAgICEAAwDQYJ"}]}`,
			`add x509Certificates [{"value":"MIIDQzCCAqygAwIBAgICEAAwDQYJ"}]`},
		{"base64 for URLs", `{"op":"add","path":"A:photo","value":"_-8="}`, `add A:photo "_-8="`},
		{"x509 bad base64", `{"op":"add","path":"x509Certificates","value":[{"value":"!!"}]}`,
			`invalidValue: Operations[0]: x509Certificates.value must be base64`},
		{"bad path syntax", `{"op":"replace","path":"emails[type eq","value":"x"}`,
			`invalidPath: Operations[0]: path: expected a value: text in double quotes, a number, true, false ` +
				`or null, found the end (at offset 14)`},
		{"badges simple multi add", `{"op":"add","path":"A:badges","value":["c"]}`, `add A:badges ["c"]`},
		{"badges simple multi filter remove", `{"op":"remove","path":"A:badges[value eq \"a\"]"}`,
			`remove A:badges[value eq "a"]`},
		{"badges simple multi filter replace", `{"op":"replace","path":"A:badges[value eq \"a\"]","value":"z"}`,
			`replace A:badges[value eq "a"] "z"`},
		{"badges simple multi filter sub", `{"op":"replace","path":"A:badges[value eq \"a\"].value","value":"z"}`,
			`invalidPath: Operations[0]: A:badges has no sub-attributes`},
		{"badges string", `{"op":"add","path":"A:badges","value":"c"}`, `add A:badges ["c"]`},
		{"badges wrong", `{"op":"add","path":"A:badges","value":[1]}`,
			`invalidValue: Operations[0]: A:badges must be a string`},
		{"required list removed", `{"op":"replace","path":"A:codes","value":[]}`,
			`mutability: Operations[0]: A:codes is required and cannot be removed`},
		{"required sub-attribute missing", `{"op":"add","path":"A:keys","value":[{"count":1}]}`,
			`invalidValue: Operations[0]: A:keys.value is required`},
		{"required sub-attribute removed", `{"op":"remove","path":"A:keys[count eq 1].value"}`,
			`mutability: Operations[0]: A:keys.value is required and cannot be removed`},
		{"multi-valued sub-attribute", `{"op":"add","path":"A:keys[count eq \"1\"].doors","value":"front"}`,
			`add A:keys[count eq 1].doors ["front"]`},
		{"date in a filter", `{"op":"remove","path":"A:keys[until lt \"2026-01-01T00:00:00Z\"]"}`,
			`remove A:keys[until lt "2026-01-01T00:00:00Z"]`},
		{"date wrong in a filter", `{"op":"remove","path":"A:keys[until lt \"then\"]"}`,
			`invalidPath: Operations[0]: A:keys.until must be compared with a date and time such as ` +
				`2026-01-02T03:04:05Z`},
		{`boolean sub emails primary "True" in list`,
			`{"op":"replace","path":"emails","value":[{"value":"a","primary":"True"}]}`,
			`replace emails [{"primary":true,"value":"a"}]`},

		{"unknown URN", `{"op":"replace","path":"X:size","value":{"w":1,"h":null}}`, `replace X:size {"w":1}`},
		{"unknown URN sub-attribute", `{"op":"replace","path":"X:size.w","value":2}`, `replace X:size.w 2`},
		{"unknown URN null", `{"op":"replace","path":"X:size","value":null}`, `remove X:size`},
		{"unknown URN empty", `{"op":"replace","path":"X:size","value":""}`, `remove X:size`},
		{"unknown URN list", `{"op":"add","path":"X:tags","value":["a","b"]}`, `add X:tags ["a","b"]`},
		{"unknown URN long list", `{"op":"add","path":"X:tags","value":[` + strings.Repeat("1,", 1000) + `1]}`,
			`invalidValue: Operations[0]: X:tags has more than 1000 values`},
		{"unknown URN filter", `{"op":"remove","path":"X:tags[value eq \"a\"]"}`, `remove X:tags[value eq "a"]`},
		{"unknown URN remove listed", `{"op":"remove","path":"X:tags","value":["a"]}`, `remove X:tags ["a"]`},
		{"unknown URN remove with an empty list", `{"op":"remove","path":"X:tags","value":[]}`, ``},
		{"unknown URN object key", `{"op":"replace","value":{"` + unknownURN + `":{"size":1,"tags":["a"]}}}`, `
			replace X:size 1
			replace X:tags ["a"]`},
		{"unknown URN complex key", `{"op":"replace","value":{"X:size":{"w":1}}}`, `replace X:size {"w":1}`},
		{"unknown URN dotted key", `{"op":"replace","value":{"` + unknownURN + `.size":{"w":1}}}`,
			`replace X:size {"w":1}`},
		{"unknown URN whole path", `{"op":"add","path":"` + unknownURN + `","value":{"size":1}}`, `add X:size 1`},
		{"unknown URN whole remove", `{"op":"remove","path":"` + unknownURN + `"}`, `remove X`},
		{"unknown URN without a version", `{"op":"add","path":"urn:a:b:c","value":1}`, `add urn:a:b:c 1`},
		{"unknown URN key without a version", `{"op":"add","value":{"urn:a:b:c":{"d":1}}}`, `add urn:a:b:c:d 1`},
		{"unknown URN bad attribute name", `{"op":"add","value":{"` + unknownURN + `":{"two words":1}}}`,
			`invalidPath: Operations[0]: X: expected the end of the path, found "words" (at offset 4)`},
		{"unknown URN attribute with a URN", `{"op":"add","value":{"` + unknownURN + `":{"urn:x:y":1}}}`,
			`invalidPath: Operations[0]: X has no attribute "urn:x:y"`},
		{"colon in a filter in a key", `{"op":"add","value":{"emails[value eq \"a:b\"]":{"type":"work"}}}`,
			`add emails[value eq "a:b"] {"type":"work"}`},

		{"Entra with the flag", `
			{"op":"replace","path":"emails[type eq \"work\"].value","value":"a@b"},
			{"op":"replace","value":{"displayName":"D","name.givenName":"G","active":false,"E:department":"X"}}`, `
			replace emails[type eq "work"].value "a@b"
			replace displayName "D"
			replace name.givenName "G"
			replace active false
			replace E:department "X"`},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, users) })
	}
}
