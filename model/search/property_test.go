package search_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	fp "github.com/scim2/filter-parser/v2"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/search"
	"rollcall/model/store"
)

// TestFiltersMatchAsInTheRFC compares both databases with an implementation of RFC 7644 §3.4.2.2 in
// Go, by random filters on random documents.
func TestFiltersMatchAsInTheRFC(t *testing.T) {
	t.Parallel()
	const population, filters = 50, 800
	r := rand.New(rand.NewPCG(1, 2))
	documents := make([]map[string]any, population)
	for i := range documents {
		documents[i] = randomDocument(r, i)
	}
	trees := make([]fp.Expression, filters)
	for i := range trees {
		trees[i] = randomFilter(r, 3)
	}
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		users := make([]*people.User, population)
		for i := range documents {
			var err error
			users[i], err = directory.Of(org, d.ID).CreateUser(t.Context(), documents[i])
			storetest.Must(t, err)
		}
		matched := 0
		for _, tree := range trees {
			found, _, err := directory.Of(org, d.ID).Users(t.Context(),
				search.Query{Filter: tree, Limit: population, Form: multiValued})
			if err != nil {
				t.Fatalf("%s: %v", tree, err)
			}
			var got, want []int
			for i, u := range users {
				if slices.ContainsFunc(found, func(f people.User) bool { return f.ID == u.ID }) {
					got = append(got, i)
				}
				if matches(documents[i], tree) {
					want = append(want, i)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: users %v, want %v", tree, got, want)
				for _, i := range slices.Concat(got, want) {
					if slices.Contains(got, i) != slices.Contains(want, i) {
						text, _ := json.Marshal(documents[i])
						t.Fatalf("user %d is %s", i, text)
					}
				}
			}
			matched += len(got)
		}
		if share := float64(matched) / float64(population*filters); share < 0.1 || share > 0.9 {
			t.Errorf("the filters match %.2f of the users: they prove nothing", share)
		}
	})
}

const unknownURN = "urn:example:Custom"

// multiValued returns the form of an attribute of the random documents.
func multiValued(p fp.AttributePath) search.Form {
	return search.Form{
		MultiValued: p.URIPrefix == nil && (p.AttributeName == "emails" || p.AttributeName == "addresses"),
	}
}

var words = []string{
	"Ab", "aB", "abc", "ÄÖ", "äö", "a%b", "a_b", `a\b`, `"`, "Zürich", "x.y", "2026-01-02T03:04:05Z",
	"2026-01-02T05:04:05+02:00", "b",
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func randomDocument(r *rand.Rand, i int) map[string]any {
	d := map[string]any{"userName": fmt.Sprint(pick(r, words...), i)}
	maybe := func(o map[string]any, name string, v any) {
		if r.IntN(3) > 0 {
			o[name] = v
		}
	}
	maybe(d, "title", pick(r, words...))
	maybe(d, "displayName", pick(r, words...))
	maybe(d, "externalId", pick(r, words...))
	maybe(d, "name", map[string]any{"givenName": pick(r, words...), "familyName": pick(r, words...)})
	for _, name := range []string{"emails", "addresses"} {
		var list []any
		for range r.IntN(3) {
			e := map[string]any{"display": pick(r, words...)}
			maybe(e, "value", pick(r, words[:11]...)) // no moments: the table of values has texts only
			maybe(e, "type", pick(r, "work", "Home"))
			maybe(e, "primary", r.IntN(2) == 0)
			list = append(list, e)
		}
		if list != nil {
			d[name] = list
		}
	}
	x := map[string]any{}
	maybe(x, "level", pick[any](r, 1, 2.5, 10, "10", true))
	maybe(x, "tags", pick[any](r, []any{"Ab", "b"}, []any{"äö"}, "Ab", []any{1, "x.y"}))
	maybe(x, "Flag", pick[any](r, true, false, nil))
	maybe(x, "place", pick[any](r, map[string]any{"City": pick(r, words...)},
		[]any{map[string]any{"City": pick(r, words...)}, map[string]any{"City": 5}}))
	if len(x) > 0 {
		d[unknownURN] = x
	}
	return d
}

func randomFilter(r *rand.Rand, depth int) fp.Expression {
	if depth > 0 {
		switch r.IntN(6) {
		case 0, 1:
			return &fp.LogicalExpression{
				Left: randomFilter(r, depth-1), Right: randomFilter(r, depth-1), Operator: pick(r, fp.AND, fp.OR),
			}
		case 2:
			return &fp.NotExpression{Expression: randomFilter(r, depth-1)}
		case 3:
			path := pick(r, fp.AttributePath{AttributeName: "emails"}, fp.AttributePath{AttributeName: "addresses"})
			return &fp.ValuePath{AttributePath: path, ValueFilter: randomElement(r, 2)}
		}
	}
	path := func(urn, name, sub string) fp.AttributePath {
		p := fp.AttributePath{AttributeName: name}
		if urn != "" {
			p.URIPrefix = &urn
		}
		if sub != "" {
			p.SubAttribute = &sub
		}
		return p
	}
	if r.IntN(3) == 0 {
		p := pick(r, path(unknownURN, "level", ""), path(strings.ToUpper(unknownURN), "tags", ""),
			path(unknownURN, "flag", ""), path(unknownURN, "place", "city"))
		if r.IntN(2) == 0 {
			return compare(r, p, pick[any](r, 1, 2.5, 5, true, false))
		}
		return compare(r, p, pick(r, words...))
	}
	p := pick(r, path("", "userName", ""), path("", "title", ""), path("", "displayName", ""),
		path("", "externalId", ""), path("", "name", "givenName"), path("", "emails", "value"),
		path("", "emails", ""), path("", "emails", "type"), path("", "emails", "display"),
		path("", "addresses", "value"), path("", "addresses", "type"))
	return compare(r, p, pick(r, words...))
}

// randomElement is a filter for the elements of emails and addresses.
func randomElement(r *rand.Rand, depth int) fp.Expression {
	if depth > 0 {
		switch r.IntN(5) {
		case 0, 1:
			return &fp.LogicalExpression{
				Left: randomElement(r, depth-1), Right: randomElement(r, depth-1), Operator: pick(r, fp.AND, fp.OR),
			}
		case 2:
			return &fp.NotExpression{Expression: randomElement(r, depth-1)}
		}
	}
	switch name := pick(r, "value", "type", "display", "primary"); name {
	case "primary":
		return &fp.AttributeExpression{
			AttributePath: fp.AttributePath{AttributeName: name}, Operator: pick(r, fp.EQ, fp.NE),
			CompareValue: r.IntN(2) == 0,
		}
	case "type":
		return compare(r, fp.AttributePath{AttributeName: name}, pick(r, "WORK", "home"))
	default:
		return compare(r, fp.AttributePath{AttributeName: name}, pick(r, words...))
	}
}

func compare(r *rand.Rand, p fp.AttributePath, v any) fp.Expression {
	op := pick(r, fp.EQ, fp.EQ, fp.NE, fp.PR, fp.CO, fp.SW, fp.EW, fp.GT, fp.GE, fp.LT, fp.LE)
	switch x := v.(type) {
	case bool:
		op = pick(r, fp.EQ, fp.NE)
	case string: // also a part of a word
		if runes := []rune(x); (op == fp.CO || op == fp.SW || op == fp.EW) && x == asMoment(x) {
			i := r.IntN(len(runes))
			v = string(runes[i : i+1+r.IntN(len(runes)-i)])
		}
	default:
		op = pick(r, fp.EQ, fp.NE, fp.GT, fp.GE, fp.LT, fp.LE)
	}
	if op == fp.PR {
		v = nil
	}
	return &fp.AttributeExpression{AttributePath: p, Operator: op, CompareValue: v}
}

// matches returns whether a filter matches a document.
func matches(d map[string]any, e fp.Expression) bool {
	switch x := e.(type) {
	case *fp.LogicalExpression:
		if x.Operator == fp.AND {
			return matches(d, x.Left) && matches(d, x.Right)
		}
		return matches(d, x.Left) || matches(d, x.Right)
	case *fp.NotExpression:
		return !matches(d, x.Expression)
	case *fp.ValuePath:
		return slices.ContainsFunc(elements(d, x.AttributePath),
			func(v any) bool { return elementMatches(v, x.ValueFilter) })
	}
	x := e.(*fp.AttributeExpression)
	name := "value"
	if x.AttributePath.SubAttribute != nil {
		name = *x.AttributePath.SubAttribute
	} else if x.Operator == fp.PR {
		return len(elements(d, x.AttributePath)) > 0
	}
	all := elements(d, x.AttributePath)
	if x.Operator == fp.NE && !multiValued(x.AttributePath).MultiValued {
		return !slices.ContainsFunc(all, func(v any) bool {
			return valueMatches(v, name, fp.EQ, x.CompareValue, x.AttributePath)
		})
	}
	return slices.ContainsFunc(all, func(v any) bool {
		return valueMatches(v, name, x.Operator, x.CompareValue, x.AttributePath)
	})
}

// inAnyCase returns a member of an object by its name in any case.
func inAnyCase(v any, name string) (any, bool) {
	o, _ := v.(map[string]any)
	for k, inner := range o {
		if strings.EqualFold(k, name) {
			return inner, true
		}
	}
	return nil, false
}

func elements(d map[string]any, p fp.AttributePath) []any {
	var in any = d
	if p.URIPrefix != nil {
		in, _ = inAnyCase(d, *p.URIPrefix)
	}
	v, _ := inAnyCase(in, p.AttributeName)
	if v == nil {
		return nil
	}
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func elementMatches(v any, e fp.Expression) bool {
	switch x := e.(type) {
	case *fp.LogicalExpression:
		if x.Operator == fp.AND {
			return elementMatches(v, x.Left) && elementMatches(v, x.Right)
		}
		return elementMatches(v, x.Left) || elementMatches(v, x.Right)
	case *fp.NotExpression:
		return !elementMatches(v, x.Expression)
	}
	x := e.(*fp.AttributeExpression)
	return valueMatches(v, x.AttributePath.AttributeName, x.Operator, x.CompareValue, fp.AttributePath{})
}

func valueMatches(v any, name string, op fp.CompareOperator, with any, of fp.AttributePath) bool {
	if op == fp.NE {
		return !valueMatches(v, name, fp.EQ, with, of)
	}
	found := v
	if _, object := v.(map[string]any); object {
		found, _ = inAnyCase(v, name)
		if found == nil && name == "primary" {
			found = false
		}
	} else if name != "value" {
		found = nil
	}
	if found == nil || op == fp.PR {
		return found != nil
	}
	switch x := found.(type) {
	case string:
		s, ok := with.(string)
		if !ok {
			return false
		}
		if of.AttributeName != "externalId" {
			x, s = model.Fold(x), model.Fold(s)
		}
		if !slices.Contains([]string{"externalId", "userName", "displayName"}, of.AttributeName) {
			x, s = asMoment(x), asMoment(s)
		}
		return map[fp.CompareOperator]bool{
			fp.EQ: x == s, fp.CO: strings.Contains(x, s),
			fp.SW: strings.HasPrefix(x, s), fp.EW: strings.HasSuffix(x, s),
			fp.GT: x > s, fp.GE: x >= s, fp.LT: x < s, fp.LE: x <= s,
		}[op]
	case bool:
		return op == fp.EQ && x == with
	}
	a, b := number(found), number(with)
	if _, text := with.(string); text {
		return false
	}
	if _, truth := with.(bool); truth {
		return false
	}
	return map[fp.CompareOperator]bool{fp.EQ: a == b, fp.GT: a > b, fp.GE: a >= b, fp.LT: a < b, fp.LE: a <= b}[op]
}

// asMoment returns one of the words in a canonical form if it is a moment.
func asMoment(s string) string {
	if len(s) > len("2026-01-02T03:04:05") {
		return "2026-01-02t03:04:05"
	}
	return s
}

func number(v any) float64 {
	switch x := v.(type) {
	case int:
		return float64(x)
	case float64:
		return x
	}
	return 0
}
