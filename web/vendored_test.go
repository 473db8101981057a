package web_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVendoredFilesAreAsPublished compares what the pages have of others with the hashes that make
// generate wrote, and with the packages of npm where they are installed.
func TestVendoredFilesAreAsPublished(t *testing.T) {
	t.Parallel()
	sums, err := os.ReadFile("look/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(sums)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		text, err := os.ReadFile(name)
		if !ok || err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got := sha256.Sum256(text); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s is not as it was published; run make generate", name)
		}
		known[name] = true
		if original, err := os.ReadFile(published(name)); err == nil && !bytes.Equal(text, original) {
			t.Errorf("%s is not the file of the package; run make generate", name)
		}
	}
	listed, err := os.ReadFile("look/icons.txt")
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]bool{"assets/oat.css": true, "assets/oat-license.txt": true, "assets/lucide-license.txt": true}
	for name := range strings.FieldsSeq(string(listed)) {
		wanted["icons/"+name+".svg"] = true
	}
	files, err := filepath.Glob("icons/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !wanted[name] {
			t.Errorf("%s is not in icons.txt; run make generate", name)
		}
	}
	for name := range wanted {
		if !known[name] {
			t.Errorf("%s has no hash; run make generate", name)
		}
	}
}

// published is the file of an installed package that a vendored one was copied from.
func published(name string) string {
	modules := filepath.Join("..", ".cache", "look", "node_modules")
	switch name {
	case "assets/oat.css":
		return filepath.Join(modules, "@knadh", "oat", "oat.min.css")
	case "assets/oat-license.txt":
		return filepath.Join(modules, "@knadh", "oat", "LICENSE")
	case "assets/lucide-license.txt":
		return filepath.Join(modules, "lucide-static", "LICENSE")
	}
	return filepath.Join(modules, "lucide-static", name)
}

// TestNoPictureIsWithinAStyle: the pages' policy forbids the pictures within oat.css, and a browser
// reports each that it would show. The theme overrides all four.
func TestNoPictureIsWithinAStyle(t *testing.T) {
	t.Parallel()
	oat, err := os.ReadFile("assets/oat.css")
	if err != nil {
		t.Fatal(err)
	}
	theme, err := os.ReadFile("assets/rollcall.css")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(oat, []byte("url(")); n != 4 {
		t.Errorf("oat.css has %d pictures: override the new ones", n)
	}
	for _, override := range []string{"select { appearance: auto; padding-inline-end: .5rem; background-image: none; }",
		"input:is([type=checkbox], [type=radio]):checked::after { content: none; mask: none; }",
		"background: none; mask: none;\n  border: solid currentColor;"} {
		if !bytes.Contains(theme, []byte(override)) {
			t.Errorf("rollcall.css has not %q", override)
		}
	}
	if bytes.Contains(theme, []byte("url(")) {
		t.Error("rollcall.css has a picture")
	}
}
