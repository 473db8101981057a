package main_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// mostLines is the limit for the README, which takes two minutes to read.
const mostLines = 150

// sources are the extensions of files whose comments may cite a document.
var sources = []string{".go", ".sql", ".mjs", ".cjs", ".js", ".py", ".php", ".java", ".sh", "Makefile", "setup", "run"}

func TestREADMEIsShort(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n > mostLines {
		t.Errorf("README.md has %d lines, and at most %d: move what only some readers need into docs/", n, mostLines)
	}
}

// TestDocumentsLeadSomewhere checks that the target of each relative link exists, with its anchor,
// and that each document and section that a comment cites exists.
func TestDocumentsLeadSomewhere(t *testing.T) {
	files := everyFile(t)
	documents := map[string]document{}
	for name, text := range files {
		if path.Ext(name) == ".md" {
			documents[name] = readDocument(text)
		}
	}
	links := 0
	for name, d := range documents {
		for _, link := range d.links {
			links++
			if problem := follow(files, documents, name, link); problem != "" {
				t.Errorf("%s: %s", name, problem)
			}
		}
	}
	if links < 50 {
		t.Errorf("there are %d relative links: they are not found", links)
	}
	cited := 0
	for name, text := range files {
		if !isSource(name) {
			continue
		}
		for _, c := range citations(text) {
			cited++
			if problem := c.follow(documents); problem != "" {
				t.Errorf("%s: %s", name, problem)
			}
		}
	}
	if cited < 20 {
		t.Errorf("comments cite %d documents: they are not found", cited)
	}
}

// TestDanglingCitationsAreFound checks that the test above finds a citation whose target is
// missing.
func TestDanglingCitationsAreFound(t *testing.T) {
	documents := map[string]document{"docs/design/identity.md": readDocument("# Who\n\n## Matching\n")}
	for text, want := range map[string]string{
		"// As in docs/design/identity.md, \"Matching\".":           "",
		"// As in docs/design/identity.md,\n// \"Matching\".":       "",
		"// As in docs/design/identity.md.":                         "",
		"// As in docs/design/identity.md, \"Leaving\".":            `docs/design/identity.md has no section "Leaving"`,
		"// (identity.md, section 2)":                               "identity.md is no document here",
		"-- docs/design/store.md":                                   "docs/design/store.md is no document here",
		"# See README.md":                                           "README.md is no document here",
		"os.ReadFile(filepath.Join(\"..\", \"..\", \"README.md\"))": "",
	} {
		got := ""
		for _, c := range citations(text) {
			got += c.follow(documents)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// everyFile reads the files of the repository. The keys are paths from its root.
func everyFile(t *testing.T) map[string]string {
	t.Helper()
	root, files := filepath.Join("..", ".."), map[string]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), ".") && relative != "." && d.Name() != ".ci"
		switch {
		case d.IsDir() && (hidden || relative == "bin" || relative == "data"):
			return filepath.SkipDir
		case d.IsDir() || !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(name)
		files[filepath.ToSlash(relative)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func isSource(name string) bool {
	for _, ending := range sources {
		// This file has citations without a target, on purpose.
		if strings.HasSuffix(name, ending) && path.Base(name) != "documents_test.go" {
			return true
		}
	}
	return false
}

// document has the sections of a document and its links.
type document struct {
	sections map[string]bool // by title
	anchors  map[string]bool
	links    []string // relative ones
}

var (
	fenced   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	heading  = regexp.MustCompile(`(?m)^#+ (.+)$`)
	linked   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	citation = regexp.MustCompile(`([\w./-]*\w\.md)\b(?:,\s*(?:(?://|--|#|\*)\s*)?"([^"\n]+)")?`)
	comment  = regexp.MustCompile(`(?m)(?:^|\s)(?://|--|#|\*)\s.*$`)
)

func readDocument(text string) document {
	d := document{sections: map[string]bool{}, anchors: map[string]bool{}}
	text = fenced.ReplaceAllString(text, "")
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		d.sections[m[1]] = true
		d.anchors[anchor(m[1])] = true
	}
	for _, m := range linked.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(m[1], "://") && !strings.HasPrefix(m[1], "mailto:") {
			d.links = append(d.links, m[1])
		}
	}
	return d
}

// anchor is the anchor that GitHub gives to a heading.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

// follow returns what is wrong with a link of a document, or "".
func follow(files map[string]string, documents map[string]document, from, link string) string {
	target, fragment, _ := strings.Cut(link, "#")
	name := from
	if target != "" {
		name = path.Join(path.Dir(from), target)
	}
	d, isDocument := documents[name]
	switch _, isFile := files[name]; {
	case !isFile && !isFolder(files, name):
		return fmt.Sprintf("%s leads nowhere", link)
	case fragment != "" && (!isDocument || !d.anchors[fragment]):
		return fmt.Sprintf("%s: %s has no heading #%s", link, name, fragment)
	}
	return ""
}

func isFolder(files map[string]string, name string) bool {
	for file := range files {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// cited is a document that a comment names. The section may be empty.
type cited struct{ name, section string }

// citations finds the documents that comments name. A path in code is no citation.
func citations(text string) []cited {
	var found []cited
	comments := strings.Join(comment.FindAllString(text, -1), "\n")
	for _, m := range citation.FindAllStringSubmatch(comments, -1) {
		found = append(found, cited{m[1], m[2]})
	}
	return found
}

func (c cited) follow(documents map[string]document) string {
	d, ok := documents[c.name]
	switch {
	case !ok:
		return c.name + " is no document here"
	case c.section != "" && !d.sections[c.section]:
		return fmt.Sprintf("%s has no section %q", c.name, c.section)
	}
	return ""
}
