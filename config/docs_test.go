package config

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the documentation instead of comparing it")

// TestDocumentationIsCurrent compares what is generated from the settings with the files of the
// repository; go test ./config -run TestDocumentationIsCurrent -update writes them.
func TestDocumentationIsCurrent(t *testing.T) {
	t.Parallel()
	t.Run("deploy/env.example", func(t *testing.T) {
		current(t, filepath.Join("..", "deploy", "env.example"), Example())
	})
	t.Run("docs/operate.md between its markers", func(t *testing.T) {
		const begin, end = "<!-- config:begin -->\n", "<!-- config:end -->"
		path := filepath.Join("..", "docs", "operate.md")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, ok := strings.Cut(string(text), begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("%s has no lines %s and %s around the table", path, strings.TrimSpace(begin), end)
		}
		current(t, path, before+begin+Docs()+end+after)
	})
}

func current(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is not what make generate writes (-want +got):\n%s", path, diff)
	}
}

func TestExampleChangesNothing(t *testing.T) {
	t.Parallel()
	want, err := Load(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"as it is":                          Example(),
		"with every default taken as given": strings.ReplaceAll(Example(), "\n#"+prefix, "\n"+prefix),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Load(nil, write(t, text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, reveal); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSettingsAreDeclared compares the table of settings with the fields of Config: each field has
// one setting, in the same order; after them are the warnings.
func TestSettingsAreDeclared(t *testing.T) {
	t.Parallel()
	var c Config
	fields := reflect.ValueOf(&c).Elem()
	if last := fields.NumField() - 1; len(settings) != last || fields.Type().Field(last).Name != "Warnings" {
		t.Fatalf("%d settings for %d fields, of which Warnings is the last one", len(settings), last)
	}
	for i, s := range settings {
		name := fields.Type().Field(i).Name
		if s.field(&c) != fields.Field(i).Addr().Interface() {
			t.Errorf("%s does not fill %s", s.name, name)
		}
		if !strings.HasPrefix(s.name, prefix) || strings.HasSuffix(s.name, fileSuffix) {
			t.Errorf("%s: %q cannot be the name of a setting", name, s.name)
		}
		if !strings.HasSuffix(s.doc, ".") {
			t.Errorf("%s has no sentence as its meaning: %q", name, s.doc)
		}
		if s.fallback != "" && s.unset != "" {
			t.Errorf("%s has a default and says what happens without one", name)
		}
		if err := parse("x", s.field(&c)); err != nil && strings.Contains(err.Error(), "a setting cannot be") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
