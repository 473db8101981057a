package api

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"rollcall/model/spelling"
)

// inside is a type of a member that reads its value by itself and passes it to a member of another
// type.
type inside interface{ inside() reflect.Type }

// inside is the type of the value.
func (o optional[T]) inside() reflect.Type { return reflect.TypeFor[T]() }

// unsettable returns a problem for each member of a JSON value that the type does not have: a
// member that is silently ignored looks like one that was set. The names are compared exactly;
// Go's decoder would take NAME for name.
func unsettable(text json.RawMessage, t reflect.Type, path string) (problems []problem) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Implements(reflect.TypeFor[inside]()) {
		return unsettable(text, reflect.Zero(t).Interface().(inside).inside(), path)
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	switch t.Kind() {
	case reflect.Slice:
		var items []json.RawMessage
		_ = json.Unmarshal(text, &items) // the caller has decoded the text before
		for _, item := range items {
			problems = append(problems, unsettable(item, t.Elem(), path)...)
		}
	case reflect.Struct:
		var sent map[string]json.RawMessage
		_ = json.Unmarshal(text, &sent)
		known := members(t)
		names := sortedNames(known)
		for _, name := range sortedNames(sent) {
			if member, ok := known[name]; ok {
				problems = append(problems, unsettable(sent[name], member, join(path, name))...)
				continue
			}
			problems = append(problems, unknownMember(join(path, name), name, names))
			names = nil // to list them once is enough
		}
	}
	return problems
}

// members returns the types of the members that a struct has in JSON, those of embedded structs
// among them.
func members(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			out[name] = f.Type
		}
	}
	return out
}

func unknownMember(path, name string, known []string) problem {
	message := path + " cannot be set by this call"
	switch near := spelling.Suggest(name, known, 1); {
	case len(near) > 0:
		message += "; did you mean " + near[0] + "?"
	case len(known) > 0:
		message += "; these can: " + strings.Join(known, ", ")
	}
	return problem{path, codeInvalid(path), message}
}

func join(path, name string) string {
	name = strings.ToValidUTF8(name, "")
	if len(name) > maxNamed {
		name = strings.ToValidUTF8(name[:maxNamed], "") + "…"
	}
	return strings.TrimPrefix(path+"."+name, ".")
}

// maxNamed is how many bytes of a member's name an error quotes.
const maxNamed = 64

func sortedNames[T any](of map[string]T) []string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// bodiless is a call that takes no members. Clients send {}, or nothing.
func bodiless(handle handler) handler {
	return func(c *call) error {
		text, err := c.body()
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(text)) > 0 {
			if err := unmarshal(text, &struct{}{}, ""); err != nil {
				return err
			}
		}
		return handle(c)
	}
}
