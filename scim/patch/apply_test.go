package patch

import (
	"testing"
)

func TestApply(t *testing.T) {
	t.Parallel()
	const (
		emails  = `{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"}]}`
		manager = `{"E":{"manager":{"value":"m1","$ref":"r"}}}`
		unknown = `{"X":{"Tags":["a","b"],"size":{"W":1}}}`
	)
	for _, c := range []struct {
		name, doc, ops, want string // want is a document, an error, or empty for no change
	}{
		{"replace sets", `{}`, `{"op":"replace","path":"title","value":"t"}`, `{"title":"t"}`},
		{"replace changes", `{"title":"s"}`, `{"op":"replace","path":"title","value":"t"}`, `{"title":"t"}`},
		{"numbers beyond a double's digits differ", `{}`,
			`{"op":"add","path":"X:Tags","value":[9007199254740993]},` +
				`{"op":"remove","path":"X:Tags","value":[9007199254740992]}`, `{"X":{"Tags":[9007199254740993]}}`},
		{"fractions differ", `{"X":{"n":1.5}}`, `{"op":"replace","path":"X:n","value":1.25}`, `{"X":{"n":1.25}}`},
		{"one number in two spellings", `{"X":{"n":100}}`, `{"op":"replace","path":"X:n","value":1e+2}`, ``},
		{"a list begins without repetition", `{}`, `{"op":"add","path":"X:Tags","value":["a","a"]}`,
			`{"X":{"Tags":["a"]}}`},
		{"a list in the place of a value", `{"X":{"Tags":"c"}}`, `{"op":"add","path":"X:Tags","value":["a","a"]}`,
			`{"X":{"Tags":["a","a"]}}`},
		{"a name in another case selects", `{"X":{"Tags":[{"Name":"a"},{"Name":"b"}]}}`,
			`{"op":"remove","path":"X:Tags[name eq \"a\"]"}`, `{"X":{"Tags":[{"Name":"b"}]}}`},
		{"a name in another case is changed", `{"X":{"Tags":[{"Name":"a"}]}}`,
			`{"op":"replace","path":"X:Tags[name eq \"a\"].NAME","value":"b"}`, `{"X":{"Tags":[{"Name":"b"}]}}`},
		{"a fraction that a filter names", `{}`, `{"op":"add","path":"X:Tags[x eq 1.25].y","value":"b"}`,
			`{"X":{"Tags":[{"x":1.25,"y":"b"}]}}`},
		{"elements that look alike", `{"X":{"Tags":[{"a":"b c:d"}]}}`,
			`{"op":"add","path":"X:Tags","value":[{"a":"b","c":"d"}]}`,
			`{"X":{"Tags":[{"a":"b c:d"},{"a":"b","c":"d"}]}}`},
		{"a moment selects itself in another zone",
			`{"emails":[{"value":"a","display":"2026-01-01T01:00:00+01:00"},{"value":"b"}]}`,
			`{"op":"remove","path":"emails[display eq \"2026-01-01T00:00:00Z\"]"}`, `{"emails":[{"value":"b"}]}`},
		{"a moment does not differ from itself",
			`{"emails":[{"value":"a","display":"2026-01-01T01:00:00+01:00"},{"value":"b"}]}`,
			`{"op":"remove","path":"emails[display ne \"2026-01-01T00:00:00Z\"]"}`,
			`{"emails":[{"value":"a","display":"2026-01-01T01:00:00+01:00"}]}`},
		{"a moment is a text in a text", `{"emails":[{"value":"a","display":"2026-01-01T00:00:00Z"},{"value":"b"}]}`,
			`{"op":"remove","path":"emails[display sw \"2026-01-01T00:00:00Z\"]"}`, `{"emails":[{"value":"b"}]}`},
		{"replace with the same", `{"title":"t"}`, `{"op":"replace","path":"title","value":"t"}`, ``},
		{"add to a single value replaces", `{"title":"s"}`, `{"op":"add","path":"title","value":"t"}`, `{"title":"t"}`},
		{"there and back is no change", `{"title":"t"}`,
			`{"op":"remove","path":"title"},{"op":"add","path":"title","value":"t"}`, ``},
		{"active", `{"active":true}`, `{"op":"Replace","path":"active","value":"False"}`, `{"active":false}`},
		{"remove", `{"title":"s","active":false}`, `{"op":"remove","path":"title"}`, `{"active":false}`},
		{"remove of what is not there", `{}`, `{"op":"remove","path":"title"}`, ``},
		{"required attribute changed", `{"userName":"u"}`, `{"op":"replace","path":"userName","value":"v"}`,
			`{"userName":"v"}`},

		{"replace merges a complex value", `{"name":{"givenName":"a","familyName":"b"}}`,
			`{"op":"replace","path":"name","value":{"givenName":"c"}}`, `{"name":{"givenName":"c","familyName":"b"}}`},
		{"add merges a complex value", `{"name":{"givenName":"a","familyName":"b"}}`,
			`{"op":"add","path":"name","value":{"formatted":"c"}}`,
			`{"name":{"givenName":"a","familyName":"b","formatted":"c"}}`},
		{"null clears a sub-attribute", `{"name":{"givenName":"a","familyName":"b"}}`,
			`{"op":"replace","path":"name","value":{"familyName":null,"givenName":"c"}}`, `{"name":{"givenName":"c"}}`},
		{"sub-attribute of what is not there", `{}`, `{"op":"add","path":"name.givenName","value":"c"}`,
			`{"name":{"givenName":"c"}}`},
		{"the last sub-attribute removed", `{"name":{"givenName":"a"}}`, `{"op":"remove","path":"name.givenName"}`,
			`{}`},
		{"the only sub-attribute cleared", `{"name":{"givenName":"a"}}`,
			`{"op":"replace","path":"name","value":{"givenName":""}}`, `{}`},
		{"sub-attribute removed of what is not there", `{}`, `{"op":"remove","path":"name.givenName"}`, ``},
		{"complex removed", `{"name":{"givenName":"a"}}`, `{"op":"remove","path":"name"}`, `{}`},

		{"manager set", `{}`, `{"op":"Add","path":"manager","value":"m1"}`, `{"E":{"manager":{"value":"m1"}}}`},
		{"manager replaced", manager, `{"op":"Replace","path":"E:manager","value":"m2"}`,
			`{"E":{"manager":{"value":"m2"}}}`},
		{"manager's value replaced", manager, `{"op":"Replace","path":"E:manager.value","value":"m2"}`,
			`{"E":{"manager":{"value":"m2"}}}`},
		{"manager replaced with a reference", manager,
			`{"op":"Replace","path":"E:manager","value":{"value":"m2","$ref":"s"}}`,
			`{"E":{"manager":{"value":"m2","$ref":"s"}}}`},
		{"manager replaced by the same", manager, `{"op":"Replace","path":"E:manager","value":"m1"}`, ``},
		{"manager emptied", manager, `{"op":"Replace","path":"E:manager","value":{"value":""}}`, `{}`},
		{"manager's value removed", manager, `{"op":"Remove","path":"E:manager.value"}`, `{}`},
		{"the last attribute of an extension removed", `{"title":"t","E":{"department":"d"}}`,
			`{"op":"remove","path":"E:department"}`, `{"title":"t"}`},
		{"an extension removed", `{"title":"t","E":{"department":"d","costCenter":"c"}}`,
			`{"op":"remove","path":"` + enterprise + `"}`, `{"title":"t"}`},
		{"an extension removed that is not there", `{"title":"t"}`, `{"op":"remove","path":"` + enterprise + `"}`, ``},

		{"Entra changes a filtered value", emails,
			`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"n@x"}`,
			`{"emails":[{"value":"n@x","type":"work","primary":true},{"value":"h@x","type":"home"}]}`},
		{"Entra sets a filtered value for the first time", `{}`,
			`{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"555"}`,
			`{"phoneNumbers":[{"type":"mobile","value":"555"}]}`},
		{"replace creates as well", emails, `{"op":"Replace","path":"emails[type eq \"other\"].value","value":"o@x"}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"},{"type":"other",` +
				`"value":"o@x"}]}`},
		{"all eq terms are in what is created", `{}`,
			`{"op":"add","path":"emails[type eq \"work\" and primary eq true and value pr].value","value":"a"}`,
			`{"emails":[{"type":"work","primary":true,"value":"a"}]}`},
		{"what is created may be primary", emails,
			`{"op":"add","path":"emails[type eq \"other\" and primary eq \"True\"].value","value":"a"}`,
			`{"emails":[{"value":"w@x","type":"work","primary":false},{"value":"h@x","type":"home"},{"type":"other",` +
				`"primary":true,"value":"a"}]}`},
		{"created with an object", `{}`,
			`{"op":"add","path":"emails[type eq \"work\"]","value":{"value":"a","display":"b"}}`,
			`{"emails":[{"type":"work","value":"a","display":"b"}]}`},
		{"created with a number", `{}`, `{"op":"add","path":"A:keys[count eq 2].value","value":"k"}`,
			`{"A":{"keys":[{"count":2,"value":"k"}]}}`},
		{"not created by co", `{}`, `{"op":"replace","path":"emails[value co \"zzz\"].type","value":"x"}`,
			`noTarget: no value of emails matches the filter`},
		{"not created by or", `{}`,
			`{"op":"replace","path":"emails[type eq \"a\" or type eq \"b\"].value","value":"x"}`,
			`noTarget: no value of emails matches the filter`},
		{"not created by not", `{}`, `{"op":"replace","path":"emails[not (type eq \"a\")].value","value":"x"}`,
			`noTarget: no value of emails matches the filter`},
		{"not created where it would not match", `{}`,
			`{"op":"replace","path":"emails[value eq \"old\"].value","value":"new"}`,
			`noTarget: no value of emails matches the filter`},
		{"not created where terms contradict", `{}`,
			`{"op":"replace","path":"emails[type eq \"a\" and type eq \"b\"].value","value":"new"}`,
			`noTarget: no value of emails matches the filter`},
		{"nothing is applied after an error", emails,
			`{"op":"replace","path":"title","value":"t"},{"op":"replace","path":"emails[value co \"zzz\"].type",` +
				`"value":"x"}`, `noTarget: no value of emails matches the filter`},
		{"a filtered element is replaced as a whole", emails,
			`{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"n@x","type":"WORK"}}`,
			`{"emails":[{"value":"n@x","type":"WORK"},{"value":"h@x","type":"home"}]}`},
		{"a part without what the filter selects by is merged", emails,
			`{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"n@x"}}`,
			`{"emails":[{"value":"n@x","type":"work","primary":true},{"value":"h@x","type":"home"}]}`},
		{"a part without the value is merged", emails,
			`{"op":"replace","path":"emails[value eq \"w@x\"]","value":{"display":"W"}}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true,"display":"W"},{"value":"h@x","type":"home"}]}`},
		{"a part that passes the filter is merged", emails,
			`{"op":"replace","path":"emails[type eq \"work\"]","value":{"display":"W","type":"work"}}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true,"display":"W"},{"value":"h@x","type":"home"}]}`},
		{"a part with null", emails,
			`{"op":"replace","path":"emails[type eq \"work\"]","value":{"type":"x","primary":null}}`,
			`{"emails":[{"value":"w@x","type":"x"},{"value":"h@x","type":"home"}]}`},
		{"a part with null alone", emails, `{"op":"replace","path":"emails[type eq \"work\"]","value":{"primary":""}}`,
			`{"emails":[{"value":"w@x","type":"work"},{"value":"h@x","type":"home"}]}`},
		{"an element without its value", emails,
			`{"op":"replace","path":"emails[type eq \"work\"]","value":{"type":"work","value":null}}`,
			`{"emails":[{"value":"h@x","type":"home"}]}`},
		{"an element with null is created without it", `{}`,
			`{"op":"replace","path":"emails[type eq \"work\"]","value":{"display":null,"value":"a"}}`,
			`{"emails":[{"type":"work","value":"a"}]}`},
		{"an address is replaced as a whole", `{"addresses":[{"type":"work","locality":"a","postalCode":"1"}]}`,
			`{"op":"replace","path":"addresses[type eq \"work\"]","value":{"type":"work","locality":"b"}}`,
			`{"addresses":[{"type":"work","locality":"b"}]}`},
		{"a part of an address is merged", `{"addresses":[{"type":"work","locality":"a","postalCode":"1"}]}`,
			`{"op":"replace","path":"addresses[type eq \"work\"]","value":{"locality":"b"}}`,
			`{"addresses":[{"type":"work","locality":"b","postalCode":"1"}]}`},
		{"an element of an undeclared attribute is replaced as a whole", `{"X":{"Tags":[{"a":1,"b":2}]}}`,
			`{"op":"replace","path":"X:Tags[a eq 1]","value":{"c":3}}`, `{"X":{"Tags":[{"c":3}]}}`},
		{"undeclared values of other types", `{"X":{"Tags":[{"value":"a","type":1}]}}`,
			`{"op":"add","path":"X:Tags","value":[{"value":"a","type":2},{"value":"a","type":1,"c":3}]}`,
			`{"X":{"Tags":[{"value":"a","type":1,"c":3},{"value":"a","type":2}]}}`},
		{"the same values in a replace", `{}`, `{"op":"replace","path":"roles","value":[{"value":"r"},{"value":"r"}]}`,
			`{"roles":[{"value":"r"}]}`},
		{"a bare string for a filtered element is its value", emails,
			`{"op":"replace","path":"emails[type eq \"home\"]","value":"n@x"}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"n@x","type":"home"}]}`},
		{"add to a filtered element merges", emails,
			`{"op":"add","path":"emails[type eq \"home\"]","value":{"display":"n"}}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home","display":"n"}]}`},
		{"Slack-like: the others by primary", emails,
			`{"op":"replace","path":"emails[primary eq false]","value":{"value":"n","primary":false}}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"},{"value":"n",` +
				`"primary":false}]}`},
		{"a filtered element removed", emails, `{"op":"remove","path":"emails[type eq \"WORK\"]"}`,
			`{"emails":[{"value":"h@x","type":"home"}]}`},
		{"a filter that matches nothing removes nothing", emails, `{"op":"remove","path":"emails[type eq \"nope\"]"}`,
			``},
		{"a filter on nothing removes nothing", `{}`, `{"op":"remove","path":"emails[type eq \"nope\"].value"}`, ``},
		{"a filtered sub-attribute removed", emails, `{"op":"remove","path":"emails[type eq \"home\"].type"}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x"}]}`},
		{"an element without its value is removed", emails, `{"op":"remove","path":"emails[type eq \"work\"].value"}`,
			`{"emails":[{"value":"h@x","type":"home"}]}`},
		{"an element whose value is set to nothing is removed", emails,
			`{"op":"replace","path":"emails[type eq \"work\"].value","value":""}`,
			`{"emails":[{"value":"h@x","type":"home"}]}`},
		{"an element that becomes empty is removed", `{"addresses":[{"type":"work"}]}`,
			`{"op":"remove","path":"addresses[type eq \"work\"].type"}`, `{}`},
		{"the last element removed", `{"emails":[{"value":"a"}]}`, `{"op":"remove","path":"emails[value eq \"a\"]"}`,
			`{}`},
		{"a sub-attribute of all elements", emails, `{"op":"replace","path":"emails.display","value":"d"}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true,"display":"d"},{"value":"h@x","type":"home",` +
				`"display":"d"}]}`},
		{"a sub-attribute of no element", `{}`, `{"op":"replace","path":"emails.value","value":"d"}`,
			`{"emails":[{"value":"d"}]}`},
		{"primary by a filter", emails, `{"op":"replace","path":"emails[type eq \"home\"].primary","value":"True"}`,
			`{"emails":[{"value":"w@x","type":"work","primary":false},{"value":"h@x","type":"home","primary":true}]}`},

		{"add appends", emails, `{"op":"add","path":"emails","value":[{"value":"n"}]}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"},{"value":"n"}]}`},
		{"add of a primary value", emails, `{"op":"add","path":"emails","value":[{"value":"n","primary":true}]}`,
			`{"emails":[{"value":"w@x","type":"work","primary":false},{"value":"h@x","type":"home"},{"value":"n",` +
				`"primary":true}]}`},
		{"add of an equal value", emails, `{"op":"add","path":"emails","value":[{"value":"h@x","type":"home"}]}`, ``},
		{"add of the same value and type merges", emails,
			`{"op":"add","path":"emails","value":[{"value":"h@x","type":"home","primary":true}]}`,
			`{"emails":[{"value":"w@x","type":"work","primary":false},{"value":"h@x","type":"home","primary":true}]}`},
		{"add of the same value with another type", emails,
			`{"op":"add","path":"emails","value":[{"value":"h@x","type":"x"}]}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"},{"value":"h@x",` +
				`"type":"x"}]}`},
		{"add of elements without a value", `{"addresses":[{"country":"de"}]}`,
			`{"op":"add","path":"addresses","value":[{"country":"de"},{"country":"fr"}]}`,
			`{"addresses":[{"country":"de"},{"country":"fr"}]}`},
		{"replace of a list", emails, `{"op":"replace","path":"emails","value":[{"value":"n"}]}`,
			`{"emails":[{"value":"n"}]}`},
		{"replace of a list by the same", emails,
			`{"op":"replace","path":"emails","value":[{"type":"work","primary":"True","value":"w@x"},{"value":"h@x",` +
				`"type":"home"}]}`, ``},
		{"remove of listed values", emails, `{"op":"remove","path":"emails","value":[{"value":"W@X","primary":false}]}`,
			`{"emails":[{"value":"h@x","type":"home"}]}`},
		{"remove of listed values by type", emails, `{"op":"remove","path":"emails","value":[{"type":"home"}]}`,
			`{"emails":[{"value":"w@x","type":"work","primary":true}]}`},
		{"remove of what is only primary", emails, `{"op":"remove","path":"emails","value":[{"primary":true}]}`,
			`{"emails":[{"value":"h@x","type":"home"}]}`},
		{"remove of values that are not there", emails,
			`{"op":"remove","path":"emails","value":[{"value":"w@x","type":"home"}]}`, ``},
		{"remove with an empty list", emails, `{"op":"remove","path":"emails","value":[]}`, ``},

		{"simple values added", `{"A":{"badges":["a"]}}`, `{"op":"add","path":"A:badges","value":["a","b"]}`,
			`{"A":{"badges":["a","b"]}}`},
		{"simple values filtered and replaced", `{"A":{"badges":["a","b"]}}`,
			`{"op":"replace","path":"A:badges[value eq \"A\"]","value":"z"}`, `{"A":{"badges":["z","b"]}}`},
		{"simple values filtered and removed", `{"A":{"badges":["a","b"]}}`,
			`{"op":"remove","path":"A:badges[value sw \"a\"]"}`, `{"A":{"badges":["b"]}}`},
		{"simple values listed and removed", `{"A":{"badges":["a","b"]}}`,
			`{"op":"remove","path":"A:badges","value":["A","B","c"]}`, `{}`},
		{"simple values that heed case", `{"A":{"codes":["a","b"]}}`,
			`{"op":"remove","path":"A:codes","value":["A","b"]}`, `{"A":{"codes":["a"]}}`},
		{"the last required value removed", `{"A":{"codes":["a"]}}`, `{"op":"remove","path":"A:codes","value":["a"]}`,
			`mutability: A:codes is required and cannot be removed`},
		{"no simple value to replace", `{}`, `{"op":"replace","path":"A:badges[value eq \"a\"]","value":"z"}`,
			`noTarget: no value of badges matches the filter`},
		{"values of a sub-attribute added", `{"A":{"keys":[{"value":"k","doors":["a"]}]}}`,
			`{"op":"add","path":"A:keys[value eq \"k\"].doors","value":["a","b"]}`,
			`{"A":{"keys":[{"value":"k","doors":["a","b"]}]}}`},
		{"values of a sub-attribute replaced", `{"A":{"keys":[{"value":"k","doors":["a"]}]}}`,
			`{"op":"replace","path":"A:keys[doors eq \"A\"].doors","value":["b"]}`,
			`{"A":{"keys":[{"value":"k","doors":["b"]}]}}`},

		{"immutable set once", `{}`, `{"op":"add","path":"A:frozen","value":"x"}`, `{"A":{"frozen":"x"}}`},
		{"immutable set to the same", `{"A":{"frozen":"x"}}`, `{"op":"replace","path":"A:frozen","value":"x"}`, ``},
		{"immutable changed", `{"A":{"frozen":"x"}}`, `{"op":"replace","path":"A:frozen","value":"y"}`,
			`mutability: A:frozen is immutable and has a value already`},
		{"immutable removed", `{"A":{"frozen":"x"}}`, `{"op":"remove","path":"A:frozen"}`,
			`mutability: A:frozen is immutable and has a value already`},
		{"immutable removed with its extension", `{"A":{"frozen":"x"}}`, `{"op":"remove","path":"` + acme + `"}`,
			`mutability: A:frozen is immutable and has a value already`},
		{"immutable sub-attribute changed", `{"A":{"desk":{"building":"b"}}}`,
			`{"op":"replace","path":"A:desk","value":{"building":"c"}}`,
			`mutability: A:desk.building is immutable and has a value already`},
		{"immutable sub-attribute removed", `{"A":{"desk":{"building":"b"}}}`, `{"op":"remove","path":"A:desk"}`,
			`mutability: A:desk.building is immutable and has a value already`},
		{"with an immutable sub-attribute", `{"A":{"desk":{"building":"b"}}}`,
			`{"op":"replace","path":"A:desk.floor","value":"2"}`, `{"A":{"desk":{"building":"b","floor":2}}}`},
		{"immutable sub-attribute of an element changed", `{"A":{"keys":[{"value":"k","serial":"1"}]}}`,
			`{"op":"replace","path":"A:keys[value eq \"k\"].serial","value":"2"}`,
			`mutability: A:keys.serial is immutable and has a value already`},
		{"element with an immutable sub-attribute replaced", `{"A":{"keys":[{"value":"k","serial":"1"}]}}`,
			`{"op":"replace","path":"A:keys[value eq \"k\"]","value":{"value":"k","serial":"2"}}`,
			`{"A":{"keys":[{"value":"k","serial":"2"}]}}`},
		{"element with an immutable sub-attribute removed", `{"A":{"keys":[{"value":"k","serial":"1"}]}}`,
			`{"op":"remove","path":"A:keys[value eq \"k\"]"}`, `{}`},

		{"numbers are equal by worth", `{"A":{"level":7,"score":1.5}}`,
			`{"op":"replace","path":"A:level","value":"7"},{"op":"replace","path":"A:score","value":1.50}`, ``},
		{"unknown extension", `{}`,
			`{"op":"add","path":"X:tags","value":["a"]},{"op":"add","path":"X:tags","value":["b","a"]},{"op":"add",` +
				`"path":"X:size.w","value":1}`, `{"X":{"tags":["a","b"],"size":{"w":1}}}`},
		{"unknown extension in the stored spelling", unknown,
			`{"op":"add","path":"urn:example:OTHER:1.0:thing:tags","value":["c"]},{"op":"replace","path":"X:Size.w",` +
				`"value":2}`, `{"X":{"Tags":["a","b","c"],"size":{"W":2}}}`},
		{"unknown extension's objects merge", unknown, `{"op":"replace","path":"X:size","value":{"H":2}}`,
			`{"X":{"Tags":["a","b"],"size":{"W":1,"H":2}}}`},
		{"unknown extension filtered", unknown,
			`{"op":"replace","path":"X:tags[value eq \"a\"]","value":"z"},{"op":"remove","path":"X:tags[value eq ` +
				`\"B\"]"}`, `{"X":{"Tags":["z"],"size":{"W":1}}}`},
		{"unknown extension's listed values", unknown, `{"op":"remove","path":"X:tags","value":["a"]}`,
			`{"X":{"Tags":["b"],"size":{"W":1}}}`},
		{"unknown extension's other value listed", `{"X":{"tag":"a"}}`, `{"op":"remove","path":"X:tag","value":["b"]}`,
			``},
		{"unknown extension's value listed", `{"X":{"tag":"a"}}`, `{"op":"remove","path":"X:tag","value":["a"]}`, `{}`},
		{"unknown extension's list replaced", unknown, `{"op":"replace","path":"X:tags","value":"one"}`,
			`{"X":{"Tags":"one","size":{"W":1}}}`},
		{"unknown extension removed", unknown, `{"op":"remove","path":"X:tags"},{"op":"remove","path":"X:size.w"}`,
			`{}`},
		{"unknown extension removed as a whole", unknown, `{"op":"remove","path":"urn:example:OTHER:1.0:thing"}`, `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ops, err := Normalize(body(long.Replace(c.ops)), users)
			if err != nil {
				t.Fatal(err)
			}
			doc := document(t, expand(c.doc))
			before, opsBefore := encode(doc), show(ops)
			next, changed, err := Apply(doc, ops, users)
			want := document(t, expand(c.doc))
			switch {
			case err != nil:
				diff(t, "wrong error", c.want, refused(t, err))
			case c.want != "" && c.want[0] == '{':
				want = document(t, expand(c.want))
				fallthrough
			default:
				if !equal(want, next) {
					diff(t, "wrong document", encode(want), encode(next))
				}
				if changed != (c.want != "") {
					t.Errorf("changed is %v", changed)
				}
				again, changedAgain, err := Apply(next, ops, users)
				if err != nil {
					break // what was replaced is no longer there
				}
				if changedAgain != !equal(next, again) {
					t.Errorf("changed is %v the second time", changedAgain)
				}
			}
			diff(t, "Apply changed the document it was given", before, encode(doc))
			diff(t, "Apply changed the operations it was given", opsBefore, show(ops))
		})
	}
}

func TestApplyRefusesTooManyValues(t *testing.T) {
	t.Parallel()
	ops, err := Normalize(body(long.Replace(`{"op":"add","path":"A:badges","value":["new"]}`)), users)
	if err != nil {
		t.Fatal(err)
	}
	badges := make([]any, MaxValues)
	for i := range badges {
		badges[i] = string(rune('A' + i))
	}
	_, _, err = Apply(map[string]any{acme: map[string]any{"badges": badges}}, ops, users)
	diff(t, "wrong error", "invalidValue: A:badges would have more than 1000 values", refused(t, err))
}
