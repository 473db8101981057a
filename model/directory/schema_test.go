package directory_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/store"
)

// shipURN is the URN of the declaration that the tests change.
const shipURN = "urn:example:params:scim:schemas:extension:ship:2.0:User"

// declared returns a small declaration that is allowed.
func declared(urn string) directory.Schema {
	return directory.Schema{URN: urn, Name: "Ship", Attributes: []directory.SchemaAttribute{{Name: "rank"}}}
}

// attributes returns attributes of different names.
func attributes(n int) []directory.SchemaAttribute {
	list := make([]directory.SchemaAttribute, n)
	for i := range list {
		list[i].Name = fmt.Sprint("a", i)
	}
	return list
}

// A schema of an organization is what identity providers read at /Schemas and address in filters
// and paths. One that a client cannot read, or whose names are ambiguous, breaks every request.
func TestWhatASchemaMayDeclare(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.SQLite(t), store.Options{})
	org, _ := storetest.Contoso(t, s)
	one := func(change func(a *directory.SchemaAttribute)) func(*directory.Schema) {
		return func(s *directory.Schema) { change(&s.Attributes[0]) }
	}
	sub := func(change func(a *directory.SchemaAttribute)) func(*directory.Schema) {
		return one(func(a *directory.SchemaAttribute) {
			a.Type, a.SubAttributes = "complex", []directory.SchemaAttribute{{Name: "of"}}
			change(&a.SubAttributes[0])
		})
	}
	urn := func(urn string) func(*directory.Schema) { return func(s *directory.Schema) { s.URN = urn } }
	name := func(name string) func(*directory.Schema) {
		return one(func(a *directory.SchemaAttribute) { a.Name = name })
	}
	long := func(prefix string, n int) string { return prefix + strings.Repeat("x", n-len(prefix)) }
	type attribute = directory.SchemaAttribute
	for what, c := range map[string]struct {
		change func(*directory.Schema)
		field  string // of the refusal; empty where it is allowed
	}{
		"as it is":                  {func(*directory.Schema) {}, ""},
		"a URN of 200 bytes":        {urn(long("urn:a:", 200)), ""},
		"a URN of 201 bytes":        {urn(long("urn:a:", 201)), "id"},
		"a URN in capitals":         {urn("URN:EXAMPLE:Ship_1-2.0"), ""},
		"no URN":                    {urn("example:ship"), "id"},
		"a URN without a namespace": {urn("urn::ship"), "id"},
		"a URN of nothing":          {urn("urn:example"), "id"},
		"an empty part":             {urn("urn:example:a::b"), "id"},
		"an open end":               {urn("urn:example:a:"), "id"},
		"a space in the URN":        {urn("urn:example:a b"), "id"},
		"users themselves":          {urn("urn:ietf:params:scim:schemas:core:2.0:User"), "id"},
		"the core in capitals":      {urn("URN:IETF:params:scim:schemas:core:2.0"), "id"},
		"a part of the core":        {urn("urn:ietf:params:scim:schemas:core:2.0.x"), "id"},
		"beside the core":           {urn("urn:ietf:params:scim:schemas:core:2.01"), ""},
		"a blank name":              {func(s *directory.Schema) { s.Name = " \t" }, "name"},
		"a long name":               {func(s *directory.Schema) { s.Name = long("", 1000) }, ""},
		"too long a name":           {func(s *directory.Schema) { s.Name = long("", 1001) }, "name"},
		"a name with U+0000":        {func(s *directory.Schema) { s.Name = "a\x00b" }, "name"},
		"too long a description":    {func(s *directory.Schema) { s.Description = long("", 1001) }, "description"},
		"no attributes":             {func(s *directory.Schema) { s.Attributes = nil }, "attributes"},
		"100 attributes":            {func(s *directory.Schema) { s.Attributes = attributes(100) }, ""},
		"101 attributes":            {func(s *directory.Schema) { s.Attributes = attributes(101) }, "attributes"},
		"one in two spellings": {func(s *directory.Schema) {
			s.Attributes = []attribute{{Name: "rank"}, {Name: "Rank"}}
		}, "attributes.1.name"},
		"a name of every kind":        {name("aZ-9_0"), ""},
		"a name of one letter":        {name("z"), ""},
		"a name of one capital":       {name("A"), ""},
		"a name of 100 bytes":         {name(long("", 100)), ""},
		"a name of 101 bytes":         {name(long("", 101)), "attributes.0.name"},
		"no name":                     {name(""), "attributes.0.name"},
		"a digit first":               {name("1a"), "attributes.0.name"},
		"a hyphen first":              {name("-a"), "attributes.0.name"},
		"a period":                    {name("a.b"), "attributes.0.name"},
		"a slash, before the digits":  {name("a/"), "attributes.0.name"},
		"a colon, behind the digits":  {name("a:"), "attributes.0.name"},
		"an @, before the letters":    {name("a@"), "attributes.0.name"},
		"a [, behind the letters":     {name("a["), "attributes.0.name"},
		"a {, behind the letters":     {name("a{"), "attributes.0.name"},
		"a reference as an attribute": {name("$ref"), "attributes.0.name"},
		"a reference below one":       {sub(func(a *attribute) { a.Name = "$ref" }), ""},
		"a bad name below one":        {sub(func(a *attribute) { a.Name = "1" }), "attributes.0.subAttributes.0.name"},
		"another type":                {one(func(a *attribute) { a.Type = "number" }), "attributes.0.type"},
		"what only the client knows": {one(func(a *attribute) { a.Mutability = "writeOnly" }),
			"attributes.0.mutability"},
		"what is returned on request": {one(func(a *attribute) { a.Returned = "request" }), "attributes.0.returned"},
		"what is unique":              {one(func(a *attribute) { a.Uniqueness = "server" }), "attributes.0.uniqueness"},
		"too long a text of one": {one(func(a *attribute) { a.Description = long("", 1001) }),
			"attributes.0.description"},
		"complex without parts": {one(func(a *attribute) { a.Type = "complex" }), "attributes.0.subAttributes"},
		"parts of what is not complex": {one(func(a *attribute) { a.SubAttributes = attributes(1) }),
			"attributes.0.subAttributes"},
		"complex with parts": {sub(func(*attribute) {}), ""},
		"complex below complex": {sub(func(a *attribute) { a.Type, a.SubAttributes = "complex", attributes(1) }),
			"attributes.0.subAttributes.0.type"},
		"100 values": {one(func(a *attribute) { a.CanonicalValues = slices.Repeat([]string{"v"}, 100) }), ""},
		"101 values": {one(func(a *attribute) { a.CanonicalValues = slices.Repeat([]string{"v"}, 101) }),
			"attributes.0.canonicalValues"},
		"a value of 100 bytes": {one(func(a *attribute) { a.CanonicalValues = []string{long("", 100)} }), ""},
		"a value of 101 bytes": {one(func(a *attribute) { a.CanonicalValues = []string{long("", 101)} }),
			"attributes.0.canonicalValues"},
		"a value with U+0000": {one(func(a *attribute) { a.CanonicalValues = []string{"\x00"} }),
			"attributes.0.canonicalValues"},
		"too long a type of reference": {one(func(a *attribute) { a.ReferenceTypes = []string{long("", 101)} }),
			"attributes.0.referenceTypes"},
	} {
		t.Run(what, func(t *testing.T) {
			declaration := declared(shipURN)
			c.change(&declaration)
			_, err := directory.In(org).PutSchema(t.Context(), &declaration)
			if c.field != "" {
				storetest.WantKind(t, err, model.Invalid, c.field)
				return
			}
			storetest.Must(t, err)
			storetest.Must(t, directory.In(org).DeleteSchema(t.Context(), declaration.URN))
		})
	}
}

// Clients read the declaration before they send values: what was left out has the defaults of
// RFC 7643, section 2.2, and texts that are compared byte by byte say so.
func TestDefaultsOfADeclaration(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.SQLite(t), store.Options{})
	org, _ := storetest.Contoso(t, s)
	declaration := directory.Schema{URN: shipURN, Name: " Ship ", Attributes: []directory.SchemaAttribute{
		{Name: "rank"}, {Name: "key", Type: "binary"}, {Name: "at", Type: "reference"},
		{Name: "code", CaseExact: true}, {Name: "level", Type: "integer", Mutability: "immutable", Returned: "never"}}}
	_, err := directory.In(org).PutSchema(t.Context(), &declaration)
	storetest.Must(t, err)
	got, err := directory.In(org).Schema(t.Context(), strings.ToUpper(shipURN))
	storetest.Must(t, err)
	whole := func(name, kind, mutability, returned string, exact bool) directory.SchemaAttribute {
		return directory.SchemaAttribute{Name: name, Type: kind, Mutability: mutability, Returned: returned,
			Uniqueness: "none", CaseExact: exact}
	}
	want := []directory.SchemaAttribute{whole("rank", "string", "readWrite", "default", false),
		whole("key", "binary", "readWrite", "default", true), whole("at", "reference", "readWrite", "default", true),
		whole("code", "string", "readWrite", "default", true), whole("level", "integer", "immutable", "never", false)}
	if diff := cmp.Diff(want, got.Attributes); diff != "" || got.Name != "Ship" {
		t.Error(got.Name, diff)
	}
}

// A declaration is one of the organization's by its URN in any spelling. Its version and its dates
// tell clients whether theirs is outdated.
func TestDeclarationsOfAnOrganization(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s, clock := clocked(t, db)
		org, _ := storetest.Contoso(t, s)
		put := func(t *testing.T, urn string, want bool) *directory.Schema {
			t.Helper()
			declaration := declared(urn)
			created, err := directory.In(org).PutSchema(t.Context(), &declaration)
			storetest.Must(t, err)
			if created != want {
				t.Errorf("%s is created: %t", urn, created)
			}
			got, err := directory.In(org).Schema(t.Context(), urn)
			storetest.Must(t, err)
			return got
		}
		first := put(t, shipURN, true)
		clock.Advance(time.Minute)
		second := put(t, strings.ToUpper(shipURN), false)
		if first.Version != 1 || second.Version != 2 || second.ID != first.ID || second.CreatedAt != first.CreatedAt ||
			second.UpdatedAt != model.TimeOf(clock.Now()) || second.URN != strings.ToUpper(shipURN) {
			t.Errorf("%+v\n%+v", first, second)
		}
		t.Run("one whose URN begins with another's is refused", func(t *testing.T) {
			for urn, apart := range map[string]bool{
				shipURN + ":rank": false, shipURN + ".rank": false, strings.TrimSuffix(shipURN, ":User"): false,
				strings.TrimSuffix(shipURN, ".0:User"): false,
				shipURN + "s":                          true, shipURN + "-2": true,
			} {
				declaration := declared(urn)
				_, err := directory.In(org).PutSchema(t.Context(), &declaration)
				if !apart {
					storetest.WantKind(t, err, model.Conflict, "id")
					continue
				}
				storetest.Must(t, err)
				storetest.Must(t, directory.In(org).DeleteSchema(t.Context(), urn))
			}
		})
		t.Run("there are ten at most, and each of ten can be replaced", func(t *testing.T) {
			for i := range 9 {
				put(t, fmt.Sprint("urn:example:more-", i), true)
			}
			eleventh := declared("urn:example:eleventh")
			_, err := directory.In(org).PutSchema(t.Context(), &eleventh)
			storetest.WantKind(t, err, model.Conflict, "schemas")
			put(t, "urn:example:more-3", false)
			storetest.Must(t, directory.In(org).DeleteSchema(t.Context(), "URN:example:more-3"))
			put(t, "urn:example:eleventh", true)
		})
		t.Run("there is none of another URN", func(t *testing.T) {
			for _, urn := range []string{"urn:example:none", "", "\x00", "urn:example:more-3"} {
				_, err := directory.In(org).Schema(t.Context(), urn)
				storetest.WantKind(t, err, model.NotFound)
				storetest.WantKind(t, directory.In(org).DeleteSchema(t.Context(), urn), model.NotFound)
			}
		})
	})
}

// Whoever follows the organization's events reads from them what it is: an event about its schemas
// shows its domains as every other one does.
func TestEventsOfADeclaration(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, _ := storetest.Contoso(t, s)
		before := len(storetest.Events(t, s, org))
		declaration := declared(shipURN)
		_, err := directory.In(org).PutSchema(t.Context(), &declaration)
		storetest.Must(t, err)
		storetest.Must(t, directory.In(org).DeleteSchema(t.Context(), shipURN))
		events := storetest.Events(t, s, org)[before:]
		if len(events) != 2 {
			t.Fatal(events)
		}
		for _, e := range events {
			var shown organization.OrganizationObject
			storetest.Must(t, json.Unmarshal([]byte(e.Data), &shown))
			if e.Type != organization.OrganizationUpdated || len(shown.Domains) != 1 {
				t.Errorf("%s: %s", e.Type, e.Data)
			}
		}
	})
}
