package main_test

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	maxComment  = 100 // columns of a line that has only a comment
	maxCode     = 120 // columns of any other line
	tabWidth    = 4   // columns of a tab
	maxBooleans = 3   // parameters
)

// tidyProblems reports what is too long in a file.
func (s *source) tidyProblems() []string {
	problems := s.widthProblems()
	if s.test() {
		return problems
	}
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := booleans(f.Type); n > maxBooleans {
			problems = append(problems,
				fmt.Sprintf("%s: %s has %d boolean parameters, and %d are the limit: give them a type",
					s.at(f.Pos()), f.Name.Name, n, maxBooleans))
		}
	}
	return problems
}

// widthProblems reports the lines that are too long.
func (s *source) widthProblems() []string {
	comments := map[int]bool{} // lines on which a comment begins
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			comments[s.fset.Position(c.Pos()).Line] = true
		}
	}
	var problems []string
	number := 0
	for line := range strings.SplitSeq(s.text, "\n") {
		number++
		limit := maxCode
		if comments[number] && strings.HasPrefix(strings.TrimSpace(line), "/") {
			limit = maxComment
		}
		if n := utf8.RuneCountInString(line) + (tabWidth-1)*strings.Count(line, "\t"); n > limit {
			problems = append(problems,
				fmt.Sprintf("%s:%d: %d columns, and %d are the limit", s.name, number, n, limit))
		}
	}
	return problems
}

// booleans counts the parameters of type bool.
func booleans(f *ast.FuncType) int {
	n := 0
	for _, p := range f.Params.List {
		if id, ok := p.Type.(*ast.Ident); ok && id.Name == "bool" {
			n += max(1, len(p.Names))
		}
	}
	return n
}

func TestTidiness(t *testing.T) {
	wide := func(n int) string { return strings.Repeat("ä", n) }
	tests := map[string]struct{ file, code, want string }{
		"the widest comment":       {"bench/a.go", "// " + wide(97), ""},
		"a wider comment":          {"bench/a.go", "// " + wide(98), "bench/a.go:3: 101 columns, and 100"},
		"a wider comment of tests": {"bench/a_test.go", "// " + wide(98), "101 columns"},
		"the widest code":          {"bench/a.go", `var s = "` + wide(110) + `"`, ""},
		"wider code":               {"bench/a.go", `var s = "` + wide(111) + `"`, "121 columns, and 120"},
		"a comment after code":     {"bench/a.go", "var s = 1 // " + wide(107), ""},
		"slashes in a string":      {"bench/a.go", "var s = `\n//" + wide(110) + "`", ""},
		"tabs count as columns":    {"bench/a.go", "func f() {\n\t// " + wide(94) + "\n}", "bench/a.go:4: 101"},
		"three booleans":           {"bench/a.go", "func f(a, b bool, c bool) {}", ""},
		"four booleans":            {"bench/a.go", "func f(a, b bool, c, d bool) {}", "f has 4 boolean parameters"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(sample(t, test.file, test.code).tidyProblems(), "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
