package main_test

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
)

const (
	maxPackage  = 3500 // lines of a package of the store, tests apart
	maxExported = 60   // exported names of a package of the store, methods apart
)

// roomProblems reports what a package of the store has too much of, and the functions by which
// others could enter it without a handle.
func roomProblems(name string, sources []*source) []string {
	if name != "model" && !strings.HasPrefix(name, "model/") || stands(name, "model/internal/... model/modeltest") {
		return nil
	}
	var problems []string
	lines, exported := 0, 0
	for _, s := range sources {
		if s.test() {
			continue
		}
		lines += s.lines
		exported += s.exportedNames()
		problems = append(problems, s.entranceProblems()...)
	}
	if lines > maxPackage {
		problems = append(problems, fmt.Sprintf("%s: %d lines, and %d are the limit", name, lines, maxPackage))
	}
	if exported > maxExported {
		problems = append(problems, fmt.Sprintf("%s: %d exported names, and %d are the limit", name, exported,
			maxExported))
	}
	return problems
}

// exportedNames counts the exported names of a file, without methods and fields.
func (s *source) exportedNames() (n int) {
	count := func(names ...*ast.Ident) {
		for _, name := range names {
			if name.IsExported() {
				n++
			}
		}
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				count(d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					count(spec.Name)
				case *ast.ValueSpec:
					count(spec.Names...)
				}
			}
		}
	}
	return n
}

// entranceProblems reports the exported functions that take an organization or the store and return
// no handle. The isolation test walks the methods of handles; it would not see such a function.
func (s *source) entranceProblems() []string {
	var problems []string
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !f.Name.IsExported() || stands(s.name, "model/store") {
			continue
		}
		for _, p := range f.Type.Params.List {
			if isEntrance(p.Type) && !returnsOne(f) {
				problems = append(problems,
					fmt.Sprintf("%s: %s takes an organization or the store: make it a method of a handle",
						s.at(f.Pos()), f.Name.Name))
			}
		}
	}
	return problems
}

// isEntrance tells whether a parameter is the store, an organization, or what is made of one.
func isEntrance(t ast.Expr) bool {
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	switch t := t.(type) {
	case *ast.SelectorExpr:
		switch t.Sel.Name {
		case "Bound", "Base", "Org", "Store":
			return true
		}
	case *ast.Ident:
		return t.Name == "Org" || t.Name == "Store"
	}
	return false
}

// returnsOne tells whether a function returns one value of a type of its own package, as those do
// that make a handle or a worker.
func returnsOne(f *ast.FuncDecl) bool {
	results := f.Type.Results
	if results == nil || len(results.List) != 1 {
		return false
	}
	t := results.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	name, ok := t.(*ast.Ident)
	return ok && name.IsExported()
}

func TestRoomsAreEnteredByHandles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ code, want string }{
		"a handle":            {`func In(org tenant.Bound) Org { return Org{tenant.Of(org)} }`, ""},
		"a handle with an id": {`func Of(org tenant.Bound, id string) Resources { return Resources{} }`, ""},
		"a worker":            {`func NewWatch(s Store, now func()) *Watch { return &Watch{s} }`, ""},
		"a method": {`func (o Org) User(ctx context.Context) (*User, error) { return nil, nil }`,
			""},
		"a function inside":    {`func find(org *tenant.Org) (*User, error) { return nil, nil }`, ""},
		"a function of a user": {`func Form(u *User) Object { return Object{} }`, ""},
		"a read past the handle": {`func Find(org *tenant.Org, id string) (*User, error) { return nil, nil }`,
			"Find takes"},
		"a write past the handle": {`func Remove(ctx context.Context, org tenant.Bound) error { return nil }`,
			"Remove takes"},
		"a read past the store":        {`func All(s tenant.Base) []User { return nil }`, "All takes"},
		"a write past a handle's type": {`func Rename(o Org, name string) error { return nil }`, "Rename takes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(sample(t, "model/people/sample.go", c.code).entranceProblems(), "\n")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestRoomsStaySmall(t *testing.T) {
	t.Parallel()
	many := "const (\n" + strings.Repeat("A = 1\n", maxExported+1) + ")"
	if got := roomProblems("model/people", []*source{sample(t, "model/people/a.go", many)}); len(got) != 1 {
		t.Errorf("%d names are too many: %q", maxExported+1, got)
	}
	long := strings.Repeat("\n", maxPackage)
	if got := roomProblems("model/people", []*source{sample(t, "model/people/a.go", long)}); len(got) != 1 {
		t.Errorf("%d lines are too many: %q", maxPackage+3, got)
	}
	if got := roomProblems("model/internal/tenant", []*source{sample(t, "model/internal/tenant/a.go",
		many+long)}); got != nil {
		t.Errorf("what is inside may be large: %q", got)
	}
}
