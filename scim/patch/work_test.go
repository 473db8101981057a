package patch

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// photosOf returns a JSON list of n photos, each with about size bytes of text.
func photosOf(n, size int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,{"value":"%d","display":"%s"}`, i, strings.Repeat("é", size/len("é")))
	}
	return "[" + b.String()[1:] + "]"
}

// TestBodiesThatCostTooMuch has bodies of a hostile client that are small in bytes and large in
// memory.
func TestBodiesThatCostTooMuch(t *testing.T) {
	t.Parallel()
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprintf(`"%x":1`, i)
	}
	for _, c := range []struct{ name, body, want string }{
		{"empty objects", `{"userName":"a","x":[{}` + strings.Repeat(",{}", 600_000) + `]}`,
			"tooMany: the body has more than 500000 values; send less at once"},
		{"empty lists", `{"userName":"a","x":[[]` + strings.Repeat(",[]", 600_000) + `]}`,
			"tooMany: the body has more than 500000 values; send less at once"},
		{"numbers", `{"userName":"a","x":[1` + strings.Repeat(",1", 600_000) + `]}`,
			"tooMany: the body has more than 500000 values; send less at once"},
		{"names", `{"userName":"a",` + strings.Join(names, ",") + `}`,
			"tooMany: an object has more than 5000 attributes"},
		{"names of an extension", `{"userName":"a","urn:x:y":{` + strings.Join(names, ",") + `}}`,
			"tooMany: an object has more than 5000 attributes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Document([]byte(c.body), users)
			diff(t, "wrong error", c.want, refused(t, err))
		})
	}
	t.Run("a group of 150,000 is let through", func(t *testing.T) {
		member := `,{"value":"01a20293-d8bd-7677-b2d3-89160225c8a2"}`
		_, err := Normalize(
			[]byte(`{"Operations":[{"op":"add","path":"members","value":[`+strings.Repeat(member, 150_000)[1:]+`]}]}`),
			groups)
		if err != nil {
			t.Error(err)
		}
	})
}

func TestNormalizeBoundsTheSizeOfValues(t *testing.T) {
	t.Parallel()
	op := func(size int) string {
		return `{"op":"replace","path":"photos","value":` + photosOf(100, size/100) + `}`
	}
	if _, err := Normalize(body(op(300<<10)), users); err != nil {
		t.Errorf("300 KiB: %v", err)
	}
	for name, ops := range map[string]string{
		"one value":          op(600 << 10),
		"several values":     op(300<<10) + "," + op(300<<10),
		"without a path":     `{"op":"replace","value":{"photos":` + photosOf(100, 6<<10) + `}}`,
		"a plain text":       `{"op":"replace","path":"title","value":"` + strings.Repeat("x", 600<<10) + `"}`,
		"an untyped value":   `{"op":"add","path":"urn:x:y:z","value":[["` + strings.Repeat("x", 600<<10) + `"]]}`,
		"names in an object": `{"op":"add","path":"urn:x:y:z","value":{"` + strings.Repeat("x", 600<<10) + `":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Normalize(body(ops), users)
			if got := refused(t, err); !strings.Contains(got, "the values of the request take more than 512 KiB") {
				t.Error(got)
			}
		})
	}
}

// TestApplyBoundsItsWork has small requests that would compare each of a thousand values many
// times, while a transaction waits.
func TestApplyBoundsItsWork(t *testing.T) {
	t.Parallel()
	seed, err := Normalize(body(`{"op":"add","path":"photos","value":`+photosOf(MaxValues, 200)+`}`), users)
	if err != nil {
		t.Fatal(err)
	}
	doc, _, err := Apply(map[string]any{"userName": "a"}, seed, users)
	if err != nil {
		t.Fatal(err)
	}
	terms := make([]string, 190)
	for i := range terms {
		terms[i] = fmt.Sprintf(`display co \"q%d\"`, i)
	}
	repeat := func(n int, op string) string { return strings.Repeat(","+op, n)[1:] }
	for _, c := range []struct{ name, ops string }{
		{"filters", repeat(50, `{"op":"remove","path":"photos[`+strings.Join(terms, " or ")+`]"}`)},
		{"additions one by one", repeat(MaxOperations, `{"op":"add","path":"photos","value":[{"value":"1"}]}`)},
		{"lists of what to remove",
			repeat(9, `{"op":"remove","path":"photos","value":`+
				strings.ReplaceAll(photosOf(MaxValues, 4), `"value":"`, `"value":"z`)+`}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			ops, err := Normalize(body(c.ops), users)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = Apply(doc, ops, users)
			diff(t, "wrong error", "tooMany: the request's changes of photos compare too much; split it",
				refused(t, err))
		})
	}
	t.Run("a thousand additions to an empty list are let through", func(t *testing.T) {
		var b strings.Builder
		for i := range MaxOperations {
			fmt.Fprintf(&b, `,{"op":"add","path":"photos","value":[{"value":"%d","type":"photo"}]}`, i)
		}
		ops, err := Normalize(body(b.String()[1:]), users)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Apply(map[string]any{"userName": "a"}, ops, users); err != nil {
			t.Error(err)
		}
	})
}

// A limit refuses what exceeds it, and nothing that just meets it.
func TestLimitsOfWorkAreExact(t *testing.T) {
	t.Parallel()
	op := Operation{Op: Replace, Target: Target{Attribute: "title"}, Value: "new"}
	doc := func() map[string]any { return map[string]any{"title": "old"} }
	for less, want := range map[int]string{
		0: "", 1: "tooMany: the request's changes of title compare too much; split it",
	} {
		left := cost("old", op) - less
		diff(t, "wrong error", want, refused(t, users.apply(doc(), op, &left)))
	}
	for more, want := range map[int]string{
		0: "", 1: "tooMany: the values of the request take more than 512 KiB; split it",
	} {
		n := normalizer{t: users, size: maxBytes - size(op.Value) + more}
		diff(t, "wrong error", want, refused(t, n.push(op)))
	}
}

// A value to remove that says nothing would otherwise be that of every element, and empty a group.
func TestValuesThatSayNothingRemoveNothing(t *testing.T) {
	t.Parallel()
	list := []any{map[string]any{"value": "a"}, map[string]any{"value": "b"}}
	for text, want := range map[string]int{
		`[]`: 2, `[{}]`: 2, `[{"value":"a"}]`: 1, `[{},{"value":"a"}]`: 1, `[{"nope":"a"}]`: 2,
	} {
		var values []any
		if err := json.Unmarshal([]byte(text), &values); err != nil {
			t.Fatal(err)
		}
		if got := groups.scopes[0].attrs["members"].removeListed(list, values); len(got) != want {
			t.Errorf("%s leaves %d", text, len(got))
		}
	}
}
