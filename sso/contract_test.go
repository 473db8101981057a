package sso_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// contract compiles schemas of the wire contract.
var contract = sync.OnceValues(func() (*jsonschema.Compiler, error) {
	text, err := os.ReadFile("../api/testdata/reference-api.yaml")
	if err != nil {
		return nil, err
	}
	var parsed any
	if err := yaml.Unmarshal(text, &parsed); err != nil {
		return nil, err
	}
	if text, err = json.Marshal(parsed); err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	compactRequired(document)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	return c, c.AddResource("reference.json", document)
})

// compiling is held by who uses the contract's compiler, which serves one at a time.
var compiling sync.Mutex

// compactRequired removes the doubles that the reference has in some lists of required members,
// which JSON Schema does not allow.
func compactRequired(value any) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			compactRequired(item)
		}
	case map[string]any:
		if names, ok := v["required"].([]any); ok {
			v["required"] = slices.CompactFunc(names, func(a, b any) bool { return a == b })
		}
		for _, member := range v {
			compactRequired(member)
		}
	}
}

// conforms demands that a body is as a schema of the reference's components has it.
func conforms(t testing.TB, name, body string) {
	t.Helper()
	c, err := contract()
	must(t, err)
	compiling.Lock()
	schema, err := c.Compile("reference.json#/components/schemas/" + name)
	compiling.Unlock()
	must(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(body)))
	must(t, err)
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s: %v\n%s", name, err, body)
	}
}
