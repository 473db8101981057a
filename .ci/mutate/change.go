package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
)

// A mutant is one change of one operator.
type mutant struct {
	number       int
	file         string
	offset       int // of the operator
	line, column int
	kind         string
	from, to     string
	source       string // the line without its indent
	alone        bool   // cannot be chosen while the program runs
	fate         fate
}

// place is how .ci/mutants names the change.
func (m *mutant) place() [3]string { return [3]string{m.file, m.kind, m.source} }

type fate string

const (
	killed    fate = "is noticed"
	lived     fate = "survives"
	unreached fate = "is not reached"
	invalid   fate = "does not compile"
)

func (f fate) lives() bool { return f == lived || f == unreached }

// The kinds have gremlins' names.
const (
	negation   = "CONDITIONALS_NEGATION"
	boundary   = "CONDITIONALS_BOUNDARY"
	arithmetic = "ARITHMETIC_BASE"
	negative   = "INVERT_NEGATIVES"
	increment  = "INCREMENT_DECREMENT"
)

// changes are the kinds and the operators that take the place of one.
var changes = map[token.Token][][2]string{
	token.EQL: {{negation, "!="}},
	token.NEQ: {{negation, "=="}},
	token.LSS: {{negation, ">="}, {boundary, "<="}},
	token.LEQ: {{negation, ">"}, {boundary, "<"}},
	token.GTR: {{negation, "<="}, {boundary, ">="}},
	token.GEQ: {{negation, "<"}, {boundary, ">"}},
	token.ADD: {{arithmetic, "-"}},
	token.SUB: {{arithmetic, "+"}},
	token.MUL: {{arithmetic, "/"}},
	token.QUO: {{arithmetic, "*"}},
	token.REM: {{arithmetic, "*"}},
	token.INC: {{increment, "--"}},
	token.DEC: {{increment, "++"}},
}

// functions take the place of operators; each has a number and the operands.
var functions = map[token.Token]string{
	token.LSS: "ciLess", token.LEQ: "ciAtMost", token.GTR: "ciMore", token.GEQ: "ciAtLeast",
	token.ADD: "ciAdd", token.SUB: "ciSub", token.MUL: "ciMul", token.QUO: "ciQuo", token.REM: "ciRem",
}

// An edit puts text in the place of length bytes.
type edit struct {
	at, length int
	text       string
}

// A source is a file with its changes.
type source struct {
	file    string
	text    []byte
	tokens  *token.File
	mutants []*mutant
	nodes   map[*mutant]ast.Node
	edits   []edit
	drop    map[int]bool // lines whose changes are compiled alone
}

// read lists the changes of a file.
func read(file string, number *int) (*source, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	s := &source{file: file, text: text, tokens: fset.File(tree.Pos()), nodes: map[*mutant]ast.Node{},
		drop: map[int]bool{}}
	constant := 0 // the depth in declarations of constants
	var open []ast.Node
	ast.Inspect(tree, func(n ast.Node) bool {
		if n == nil {
			if isConstant(open[len(open)-1]) {
				constant--
			}
			open = open[:len(open)-1]
			return true
		}
		open = append(open, n)
		if isConstant(n) {
			constant++
		}
		if at, kinds, from := operator(n); at.IsValid() {
			for _, kind := range kinds {
				s.add(n, at, kind, from, constant > 0, number)
			}
		}
		return true
	})
	return s, nil
}

func (s *source) add(n ast.Node, at token.Pos, kind [2]string, from string, alone bool, number *int) {
	*number++
	where := s.tokens.Position(at)
	lines := strings.SplitAfterN(string(s.text[s.tokens.Offset(s.tokens.LineStart(where.Line)):]), "\n", 2)
	m := &mutant{number: *number, file: s.file, offset: where.Offset, line: where.Line, column: where.Column,
		kind: kind[0], from: from, to: kind[1], source: strings.TrimSpace(lines[0]), alone: alone}
	s.mutants = append(s.mutants, m)
	s.nodes[m] = n
}

// isConstant tells whether everything in a node is known when it is compiled.
func isConstant(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok == token.CONST
	case *ast.ArrayType:
		return n.Len != nil
	}
	return false
}

// operator returns where a node has an operator that can be changed, the kinds of changes, and it.
func operator(n ast.Node) (token.Pos, [][2]string, string) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if kinds := changes[n.Op]; kinds != nil && !joinsText(n) {
			return n.OpPos, kinds, n.Op.String()
		}
	case *ast.IncDecStmt:
		return n.TokPos, changes[n.Tok], n.Tok.String()
	case *ast.UnaryExpr:
		if n.Op == token.SUB {
			return n.OpPos, [][2]string{{negative, "+"}}, "-"
		}
	}
	return token.NoPos, nil, ""
}

// joinsText tells whether an addition has a literal text in it, so that nothing else can be done.
func joinsText(n *ast.BinaryExpr) bool {
	for _, side := range []ast.Expr{n.X, n.Y} {
		switch side := side.(type) {
		case *ast.BasicLit:
			if side.Kind == token.STRING {
				return true
			}
		case *ast.BinaryExpr:
			if side.Op == token.ADD && joinsText(side) {
				return true
			}
		}
	}
	return false
}

// schemata returns the file with every change in it that can be chosen while the program runs.
func (s *source) schemata() []byte {
	s.edits = nil
	byNode := map[ast.Node][]*mutant{}
	for _, m := range s.mutants {
		n := s.nodes[m]
		for line := s.tokens.Line(n.Pos()); line <= s.tokens.Line(n.End()); line++ {
			m.alone = m.alone || s.drop[line]
		}
		if !m.alone {
			byNode[n] = append(byNode[n], m)
		}
	}
	for _, m := range s.mutants { // in the order of the walk: outer expressions come first
		if list := byNode[s.nodes[m]]; len(list) > 0 && list[0] == m {
			s.rewrite(s.nodes[m], list)
		}
	}
	slices.SortStableFunc(s.edits, func(a, b edit) int { return cmp.Compare(a.at, b.at) })
	var out []byte
	at := 0
	for _, e := range s.edits {
		out = append(append(out, s.text[at:e.at]...), e.text...)
		at = e.at + e.length
	}
	return append(out, s.text[at:]...)
}

// rewrite adds the edits of one operator.
func (s *source) rewrite(n ast.Node, list []*mutant) {
	from, to := s.tokens.Offset(n.Pos()), s.tokens.Offset(n.End())
	operator, length, first := list[0].offset, len(list[0].from), list[0].number
	switch n := n.(type) {
	case *ast.IncDecStmt:
		step := map[token.Token]string{token.INC: "+=", token.DEC: "-="}[n.Tok]
		s.edits = append(s.edits, edit{operator, length, fmt.Sprintf("%s ciOne(%d)", step, first)})
	case *ast.UnaryExpr:
		s.wrap(from, to, fmt.Sprintf("ciNegative(%d, ", first), ")")
		s.edits = append(s.edits, edit{operator, length, ""})
	case *ast.BinaryExpr:
		switch {
		case len(list) == 2:
			s.wrap(from, to, fmt.Sprintf("(ciOn(%d) != %s(%d, ", first, functions[n.Op], list[1].number), "))")
			s.edits = append(s.edits, edit{operator, length, ","})
		case list[0].kind == negation:
			s.wrap(from, to, fmt.Sprintf("(ciOn(%d) != (", first), "))")
		default:
			s.wrap(from, to, fmt.Sprintf("%s(%d, ", functions[n.Op], first), ")")
			s.edits = append(s.edits, edit{operator, length, ","})
		}
	}
}

// wrap puts text before and after an expression. Outer expressions are wrapped first, so that what
// ends at the same place is put before what is there.
func (s *source) wrap(from, to int, before, after string) {
	s.edits = append(s.edits, edit{from, 0, before})
	s.edits = slices.Insert(s.edits, 0, edit{to, 0, after})
}

// changed returns the file with one change.
func (m *mutant) changed() ([]byte, error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return nil, err
	}
	return slices.Concat(text[:m.offset], []byte(m.to), text[m.offset+len(m.from):]), nil
}
