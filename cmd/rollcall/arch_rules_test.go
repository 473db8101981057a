package main_test

import (
	"path"
	"strings"
	"testing"
)

// samples breaks each ban once; the name of the package is added in front.
var samples = map[string]string{
	"time.Now":                 `import "time"; var now = time.Now`,
	"time.Since":               `import clock "time"; func f(t clock.Time) { clock.Since(t) }`,
	"time.Until":               `import "time"; func f(t time.Time) { time.Until(t) }`,
	"os.Environ":               `import "os"; func f() { os.Environ() }`,
	"os.Getenv":                `import "os"; func f() { g(os.Getenv) }`,
	"os.LookupEnv":             `import "os"; func f() { os.LookupEnv("HOME") }`,
	"os.Exit":                  `import "os"; func f() { os.Exit(1) }`,
	"panic()":                  `func f() { panic("no") }`,
	"func init":                `func init() { f() }`,
	"go":                       `func f() { go g() }`,
	"net/http.Get":             `import "net/http"; func f() { http.Get(u) }`,
	"net/http.Head":            `import "net/http"; func f() { http.Head(u) }`,
	"net/http.Post":            `import "net/http"; func f() { http.Post(u, t, nil) }`,
	"net/http.PostForm":        `import "net/http"; func f() { http.PostForm(u, nil) }`,
	"net/http.DefaultClient":   `import "net/http"; var c = http.DefaultClient`,
	"net/http.Client{}":        `import "net/http"; var c = &http.Client{}`,
	".Save()":                  `func f() { o.db.WithContext(ctx).Save(u) }`,
	".Raw()":                   `func f() { db.Raw("…").Scan(&n) }`,
	".Exec()":                  `func f() { db.Exec("DELETE …") }`,
	".Table()":                 `func f() { db.Table("users") }`,
	".QueryContext()":          `func f() { pool.QueryContext(ctx, "SELECT …") }`,
	".ExecContext()":           `func f() { pool.ExecContext(ctx, "DELETE …") }`,
	".AutoMigrate()":           `func f() { db.AutoMigrate(&User{}) }`,
	".Joins()":                 `func f() { db.Joins("Group") }`,
	"gorm.io/gorm/clause.From": `import "gorm.io/gorm/clause"; func f() { db.Clauses(clause.From{}) }`,
	"SQL fragment":             "func f() { db.Where(`id IN (Select user_id` + more) }",
	"lower()":                  `func f() { db.Where("LOWER (name) = ?", n) }`,
}

// TestBans breaks each ban and then moves the code to where it may stand.
func TestBans(t *testing.T) {
	t.Parallel()
	for _, b := range bans {
		t.Run(b.symbol, func(t *testing.T) {
			code, ok := samples[b.symbol]
			if !ok {
				t.Fatal("there is no sample that breaks this")
			}
			breaks := func(file string) bool {
				problems := examine(path.Dir(file), []*source{sample(t, file, code)})
				return strings.Contains(strings.Join(problems, "\n"), file+":3: "+b.symbol+": "+b.why)
			}
			in := b.in
			switch in {
			case "*":
				in = "scim/filter"
			case "model/...":
				in = "model/connection"
			}
			if file := in + "/sample.go"; !breaks(file) {
				t.Errorf("it may stand in %s", file)
			}
			if file := in + "/sample_test.go"; breaks(file) {
				t.Errorf("it may not stand in %s", file)
			}
			for allowed := range strings.FieldsSeq(b.except) {
				if allowed = strings.TrimSuffix(allowed, "/..."); !strings.HasSuffix(allowed, ".go") {
					allowed += "/sample.go"
				}
				if breaks(allowed) {
					t.Errorf("it may not stand in %s", allowed)
				}
			}
		})
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	const ok = ""
	tests := map[string]struct{ file, code, want string }{
		"an arrow downward":     {"scim/a.go", `import "rollcall/model"`, ok},
		"an arrow upward":       {"model/a.go", `import "rollcall/web"`, "model may not import web"},
		"an arrow to a sibling": {"api/a.go", `import "rollcall/scim"`, "api may not import scim"},
		"an arrow around the floor": {"api/a.go", `import "rollcall/scim/filter"`,
			"api may not import scim/filter"},
		"a test's own package": {"api/a_test.go", `import "rollcall/api"`, ok},
		"a test's arrow":       {"web/a_test.go", `import "rollcall/model/modeltest"`, ok},
		"a test's arrow in code": {"web/a.go", `import "rollcall/model/modeltest"`,
			"web may not import model/modeltest"},
		"a test's arrow upward":       {"model/a_test.go", `import "rollcall/scim"`, "model may not import scim"},
		"a package that is not drawn": {"helper/a.go", ``, "helper: is not in the drawing"},
		"a module inside its fence":   {"model/a.go", `import "gorm.io/gorm/clause"`, ok},
		"a module outside its fence": {"api/a.go", `import "gorm.io/gorm/clause"`,
			"gorm.io belongs in model/... only"},
		"a module for tests": {"api/a_test.go", `import "github.com/google/go-cmp/cmp"`, ok},
		"a module for tests in code": {"api/a.go", `import "github.com/google/go-cmp/cmp"`,
			"go-cmp belongs in model/internal/storetest tests only"},
		"a module without a fence": {"api/a.go", `import "example.com/left/pad"`,
			"nobody may import example.com/left/pad"},
		"the name of a ban in a comment":  {"scim/a.go", "// time.Now is not for us.", ok},
		"a method with the name of a ban": {"scim/a.go", `func f() { s.time.Now() }`, ok},
		"the word from in an error": {"model/a.go",
			`func f() { return Invalidf("id", "take it from "+"a list") }`, ok},
		"the word from in a message": {"model/a.go", `func f() { return &Error{Message: "take it from a list"} }`,
			ok},
		"the word from in a tag": {"model/a.go", "type a struct { b int `json:\"from\"` }", ok},
		"SQL within an error's arguments": {"model/a.go",
			`func f() { Invalidf("id", "x", db.Where("id IN (SELECT 1)")) }`, "SQL fragment"},
		"a panic where it must be": {"scim/a.go", `func mustParse() { panic("no") }`, ok},
		"a panic after that": {"scim/a.go", `func mustParse() { panic("no") }; func f() { panic("no") }`,
			"panic()"},
		"SQL outside model":     {"scim/a.go", `var s = "select one from the list"`, ok},
		"work that is promised": {"api/a_test.go", "// TO" + "DO: check this", "do it, or file an issue"},
		"a long file": {"api/a_test.go", strings.Repeat("\n", maxFile),
			"403 lines, and 400 are the limit"},
		"a long function": {"api/a.go", "func f() {" + strings.Repeat("\n", maxFunction) + "}",
			"f has 51 lines, and 50 are the limit"},
		"a long function in a test": {"api/a_test.go", "func f() {" + strings.Repeat("\n", maxFunction) + "}",
			ok},
		"an exported function":             {"api/a.go", `func Serve() {}`, "Serve has no comment"},
		"an exported method":               {"api/a.go", `func (s *Server) Mount() {}`, "Mount has no comment"},
		"a method of an unexported type":   {"api/a.go", `func (s *server) Mount() {}`, ok},
		"an exported constant in a group":  {"api/a.go", "// These are the limits.\nconst (\n\tMost = 2\n)", ok},
		"an exported type in a group":      {"api/a.go", "type (\n\tServer struct{}\n)", "Server has no comment"},
		"an exported name that means some": {"api/a.go", "// Limit is how many.\nvar Limit = 2", ok},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := examine(path.Dir(test.file), []*source{sample(t, test.file, test.code)})
			if test.want == ok && len(got) > 0 {
				t.Errorf("refused: %s", strings.Join(got, "\n"))
			}
			if joined := strings.Join(got, "\n"); !strings.Contains(joined, test.want) {
				t.Errorf("got %q, want a problem with %q", joined, test.want)
			}
		})
	}
}

func TestPackageComment(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"one": {
			map[string]string{"api/a.go": "// Package api is one.\npackage api\n", "api/b.go": "package api\n"}, ""},
		"none": {map[string]string{"api/a.go": "package api\n"}, "api: 0 package comments"},
		"two": {map[string]string{"api/a.go": "// Package api is.\npackage api\n",
			"api/b.go": "// Package api too.\npackage api\n"}, "api: 2 package comments"},
		"of another": {map[string]string{"api/a.go": "// Package web is one.\npackage api\n"},
			"begins with Package api"},
		"a command":  {map[string]string{"cmd/rollcall/a.go": "// Command rollcall runs.\npackage main\n"}, ""},
		"only tests": {map[string]string{"api/a_test.go": "package api\n"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var sources []*source
			dir := ""
			for file, text := range test.files {
				s, err := parse(file, []byte(text))
				if err != nil {
					t.Fatal(err)
				}
				sources, dir = append(sources, s), path.Dir(file)
			}
			got := strings.Join(examine(dir, sources), "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// sample is a file of the right package with a package comment and the code on its third line.
func sample(t *testing.T, file, code string) *source {
	t.Helper()
	name, comment := path.Base(path.Dir(file)), "Package "+path.Base(path.Dir(file))
	if strings.HasPrefix(file, "cmd/") {
		name, comment = "main", "Command rollcall"
	}
	s, err := parse(file, []byte("// "+comment+" is a sample.\npackage "+name+"\n"+code+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
