package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// source is one Go file as the rules of arch_test.go see it.
type source struct {
	name  string // from the repository's root, with slashes
	fset  *token.FileSet
	file  *ast.File
	text  string
	lines int
}

func parse(name string, text []byte) (*source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{name, fset, file, string(text), strings.Count(string(text), "\n")}, nil
}

func (s *source) test() bool { return strings.HasSuffix(s.name, "_test.go") }

func (s *source) at(pos token.Pos) string {
	return fmt.Sprintf("%s:%d", s.name, s.fset.Position(pos).Line)
}

func (s *source) packageComment() string {
	if s.file.Name.Name == "main" {
		return "Command " + path.Base(path.Dir(s.name)) + " "
	}
	return "Package " + s.file.Name.Name + " "
}

// importProblems tells which imports cross an arrow or a fence.
func (s *source) importProblems() []string {
	var problems []string
	own := path.Dir(s.name)
	for _, spec := range s.file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		first, rest, _ := strings.Cut(imported, "/")
		switch {
		case first == "rollcall":
			allowed := arrows[own].code
			if s.test() {
				allowed += " " + own + " " + arrows[own].tests
			}
			if !stands(rest+"/any.go", allowed) {
				problems = append(problems, fmt.Sprintf("%s: %s may not import %s", s.at(spec.Pos()), own, rest))
			}
		case strings.Contains(first, "."):
			module, known := fence(imported)
			if !known {
				problems = append(problems, fmt.Sprintf("%s: nobody may import %s: give it a fence, and a line under "+
					"Built on in CONTRIBUTING.md", s.at(spec.Pos()), imported))
			} else if !stands(s.name, fences[module]) {
				problems = append(problems,
					fmt.Sprintf("%s: %s belongs in %s only", s.at(spec.Pos()), module, fences[module]))
			}
		}
	}
	return problems
}

// fence finds the fence that an import path stands behind.
func fence(imported string) (module string, known bool) {
	for module = imported; module != "."; module = path.Dir(module) {
		if _, known = fences[module]; known {
			return module, true
		}
	}
	return "", false
}

// sizeProblems tells what is too long, and which comments promise work instead of doing it.
func (s *source) sizeProblems() []string {
	var problems []string
	if s.lines > maxFile {
		problems = append(problems, fmt.Sprintf(
			"%s: %d lines, and %d are the limit: a piece of it wants a name of its own", s.name, s.lines, maxFile))
	}
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || s.test() {
			continue
		}
		if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1; n > maxFunction {
			problems = append(problems,
				fmt.Sprintf("%s: %s has %d lines, and %d are the limit", s.at(f.Pos()), f.Name.Name, n, maxFunction))
		}
	}
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if word := unfinished.FindString(c.Text); word != "" {
				problems = append(problems, fmt.Sprintf("%s: %s: do it, or file an issue", s.at(c.Pos()), word))
			}
		}
	}
	return problems
}

var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)

// undocumented tells which exported names have no comment.
func (s *source) undocumented() []string {
	var problems []string
	need := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		for _, d := range docs {
			if d.Text() != "" {
				return
			}
		}
		if name.IsExported() {
			problems = append(problems,
				fmt.Sprintf("%s: %s has no comment that says what it promises", s.at(name.Pos()), name.Name))
		}
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if receiver(d) == "" || ast.IsExported(receiver(d)) {
				need(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					need(spec.Name, spec.Doc, d.Doc, spec.Comment)
				case *ast.ValueSpec:
					need(spec.Names[0], spec.Doc, d.Doc, spec.Comment)
				}
			}
		}
	}
	return problems
}

// receiver names the type that a function is a method of.
func receiver(f *ast.FuncDecl) (name string) {
	if f.Recv == nil {
		return ""
	}
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return name == ""
	})
	return name
}

// found is a symbol and where it stands.
type found struct {
	symbol string
	pos    token.Pos
}

// symbols lists what bans can name: "time.Now" for a name of an imported package, by its path;
// ".Save()" for a call of any method of that name; "panic()" and "everyone{}" for a call and a
// literal of the package's own or the language's; "tenantKey" for any other name; "go" for a go
// statement; "func init"; and "SQL fragment" and "lower()" for what is in a string. A panic in a
// function must… is none: it is called at start, with what the program itself is made of.
func (s *source) symbols() []found {
	var all []found
	texts, must := s.innocent(), token.NoPos
	ast.Inspect(s.file, func(n ast.Node) bool {
		add := func(symbol string) { all = append(all, found{symbol, n.Pos()}) }
		switch n := n.(type) {
		case *ast.Ident:
			add(n.Name)
		case *ast.SelectorExpr:
			add(s.symbol(n))
		case *ast.CallExpr:
			if symbol := s.symbol(n.Fun) + "()"; symbol != "panic()" || n.Pos() > must {
				add(symbol)
			}
		case *ast.CompositeLit:
			add(s.symbol(n.Type) + "{}")
		case *ast.GoStmt:
			add("go")
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				add("func init")
			}
			if n.Recv == nil && strings.HasPrefix(n.Name.Name, "must") {
				must = n.End()
			}
		case *ast.BasicLit:
			if n.Kind != token.STRING || texts[n] {
				break
			}
			if sqlFragment.MatchString(n.Value) {
				add("SQL fragment")
			}
			if sqlLower.MatchString(n.Value) {
				add("lower()")
			}
		}
		return true
	})
	return all
}

var (
	sqlFragment = regexp.MustCompile(`(?i)\b(select|join|union|from)\b`)
	sqlLower    = regexp.MustCompile(`(?i)\blower\s*\(`)
)

// symbol is the name of an expression that has one.
func (s *source) symbol(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if id, ok := e.X.(*ast.Ident); ok {
			if imported := s.imported(id.Name); imported != "" {
				return imported + "." + e.Sel.Name
			}
		}
		return "." + e.Sel.Name
	}
	return ""
}

// imported is the path of the import that a name stands for.
func (s *source) imported(name string) string {
	for _, spec := range s.file.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && path.Base(p) == name {
			return p
		}
	}
	return ""
}

// innocent are the strings that never reach a database: import paths, tags of fields and the texts
// of errors.
func (s *source) innocent() map[*ast.BasicLit]bool {
	texts := map[*ast.BasicLit]bool{}
	var mark func(e ast.Expr)
	mark = func(e ast.Expr) {
		switch e := e.(type) {
		case *ast.BasicLit:
			texts[e] = true
		case *ast.BinaryExpr:
			mark(e.X)
			mark(e.Y)
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			mark(n.Path)
		case *ast.Field:
			if n.Tag != nil {
				mark(n.Tag)
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Message" {
				mark(n.Value)
			}
		case *ast.CallExpr:
			if errorText.MatchString(s.symbol(n.Fun)) {
				for _, arg := range n.Args {
					mark(arg)
				}
			}
		}
		return true
	})
	return texts
}

// errorText are the functions that make an error from text: ours, which end in f, and the
// library's.
var errorText = regexp.MustCompile(`(^|\.)(fmt\.Errorf|errors\.New|[A-Z][A-Za-z]+f)$`)
