package main_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The drawing of the house: what may import what, and where a thing that is easily misused may
// stand. A list names packages ("scim"), trees ("scim/...") and files ("web/run.go"), "tests"
// for every test file and "*" for all. Whoever changes the house changes these tables on purpose.

// arrows are our packages, each with those of ours that it may import, and those that its tests
// may import besides. A tree such as "model/..." is all packages below.
var arrows = map[string]struct{ code, tests string }{
	// Floor 3
	"cmd/rollcall": {"*", ""},
	// Floor 2: never each other
	"api":     {rooms + " model/spelling trust web", "model/modeltest scim sso/saml testidp"},
	"console": {rooms + " trust web", "model/modeltest"},
	"portal":  {rooms + " guide trust web", "model/modeltest api testidp"},
	"scim":    {rooms + " scim/filter scim/jsontext scim/patch web", "model/modeltest api"},
	"sso":     {rooms + " sso/oidc sso/provider sso/saml trust web", "model/modeltest api scim testidp"},
	// Beside the house: it measures the program from outside
	"bench": {"model/modeltest", ""},
	// Floor 1
	"trust":        {rooms + " guide sso/certificate sso/oidc sso/saml web worker", "model/modeltest testidp"},
	"testidp":      {"", ""}, // speaks the protocols, so that applications can test with it
	"web":          {"model model/lasting model/organization model/urgent", "model/modeltest"},
	"sso/provider": {rooms + " web worker", ""},
	"webhook": {"model model/store model/webhook web worker",
		"model/directory model/modeltest model/operator model/organization model/people"},

	// Floor 0: the store, from its door down to the database
	"model/store": {"model model/entitle model/internal/removed model/internal/tenant model/people", inside},
	"model/operator": {"model model/connection model/directory model/entitle model/grant model/organization " +
		"model/testlogin " +
		"model/people model/requestlog model/setup model/signon model/internal/passwords " + database, inside},
	"model/grant": {"model model/organization model/people model/signon " + database, inside},
	"model/signon": {"model model/connection model/directory model/entitle model/organization model/people " +
		"model/refusal model/internal/passwords " + database, inside},
	"model/testlogin": {"model model/connection model/refusal model/signon " + database, inside},
	"model/directory": {"model model/entitle model/internal/nesting model/internal/removed model/organization " +
		"model/people model/search worker " + database, inside},
	"model/webhook":    {"model model/organization " + database, inside},
	"model/requestlog": {"model model/directory worker " + database, inside},
	"model/setup":      {"model model/organization worker " + database, inside},
	"model/entitle": {"model model/connection model/organization model/people model/refusal worker " + database,
		inside},
	"model/search":       {"model model/internal/tenant", inside + " scim/filter"},
	"model/connection":   {"model model/organization model/people sso/certificate " + database, inside},
	"model/people":       {"model model/internal/passwords model/organization scim/jsontext " + database, inside},
	"model/organization": {"model worker " + database, inside},
	"model/refusal":      {"model", ""},
	"model/spelling":     {"", ""},
	"model/lasting":      {"", ""},
	"model/urgent":       {"", ""},

	"model/internal/nesting":   {"model", ""},
	"model/internal/passwords": {"model model/internal/across model/internal/tenant", inside},
	"model/internal/removed":   {"model model/internal/tenant", inside},
	"model/internal/across":    {"model/internal/internal/unbounded model/internal/tenant", ""},
	"model/internal/tenant": {"model model/internal/guard model/internal/internal/unbounded model/internal/pool " +
		"model/lasting", inside},
	"model/internal/pool":               {"model model/lasting model/urgent", inside},
	"model/internal/guard":              {"model/internal/internal/unbounded", ""},
	"model/internal/internal/unbounded": {"", ""},
	"model":                             {"model/internal/guard", ""},

	// For tests of the store alone
	"model/modeltest":          {"model/store", ""},
	"model/internal/storetest": {"model/... scim/filter", ""},

	"config":          {"model/spelling", ""},
	"guide":           {"", ""},
	"scim/filter":     {"", ""},
	"scim/jsontext":   {"", ""},
	"scim/patch":      {"scim/filter", ""},
	"sso/certificate": {"", ""},
	"sso/oidc":        {"", ""},
	"sso/saml":        {"sso/certificate", "testidp"},
	"worker":          {"", ""},
}

const (
	// rooms are the packages of the store that others may import.
	rooms = "model model/connection model/directory model/entitle model/grant model/operator model/organization " +
		"model/people model/refusal model/requestlog model/search model/setup model/signon model/store " +
		"model/testlogin model/webhook"
	// database is how a package of the store reaches the database.
	database = "model/internal/across model/internal/tenant"
	// inside is what the tests of the store's packages may import.
	inside = "model/..."
)

// fences are the modules of others that may be imported, each with where.
var fences = map[string]string{
	"github.com/KimMachineGun/automemlimit": "cmd/rollcall",
	"github.com/alexedwards/argon2id":       "model/internal/passwords",
	"github.com/beevik/etree":               "sso/saml testidp tests",
	"github.com/coreos/go-oidc/v3":          "sso/oidc tests",
	"github.com/crewjam/saml":               "sso/saml testidp",
	"github.com/elimity-com/scim":           "scim/...",
	"github.com/glebarez/go-sqlite":         "model/internal/tenant",
	"github.com/glebarez/sqlite":            "model/internal/tenant",
	"github.com/go-jose/go-jose/v4":         "model/grant sso/oidc sso/provider testidp tests",
	"github.com/google/go-cmp":              "model/internal/storetest tests",
	"github.com/google/uuid":                "*",
	"github.com/hashicorp/golang-lru/v2":    "model/... portal scim sso sso/provider trust",
	"github.com/jackc/pgx/v5":               "bench model/internal/pool model/internal/tenant model/modeltest",
	"github.com/labstack/echo/v4":           "api cmd/rollcall console portal scim sso sso/provider web",
	"github.com/russellhaering/goxmldsig":   "sso/saml testidp tests",
	"github.com/santhosh-tekuri/jsonschema": "tests",
	"github.com/scim2/filter-parser/v2":     "model/search model/internal/storetest scim/...",
	"github.com/trustelem/zxcvbn":           "model/internal/passwords",
	"go.yaml.in/yaml/v3":                    "guide tests",
	"golang.org/x/oauth2":                   "sso/oidc tests",
	"golang.org/x/net":                      "*",
	"golang.org/x/sync":                     "*",
	"golang.org/x/text":                     "*",
	"golang.org/x/time":                     "portal scim",
	"gorm.io":                               "model/...",
}

// bans are what may not stand in the code of some packages except in some places; test files are
// free of them. What a symbol looks like, symbols tells.
var bans = []struct{ symbol, in, except, why string }{
	{"time.Now", "*", "bench cmd/rollcall model/internal/pool model/internal/tenant model/modeltest scim/scim.go " +
		"testidp web", clock},
	{"time.Since", "*", "bench cmd/rollcall model/modeltest testidp web", clock},
	{"time.Until", "*", "cmd/rollcall testidp", clock},
	{"os.Environ", "*", "cmd/rollcall model/modeltest", environment},
	{"os.Getenv", "*", "cmd/rollcall", environment},
	{"os.LookupEnv", "*", "cmd/rollcall", environment},
	{"os.Exit", "*", "bench cmd/rollcall", "return an error: only a command ends the process"},
	{"panic()", "*", "", "return an error: a panic is for what cannot happen, and then it says nothing"},
	{"func init", "*", "", "an import must have no effect: make it a function that someone calls"},
	{"go", "*", "cmd/rollcall model/internal/pool/conn.go model/modeltest testidp web/run.go",
		"no request starts a goroutine: make it a worker with Run(ctx)"},

	{"net/http.Get", "*", "", outbound},
	{"net/http.Head", "*", "", outbound},
	{"net/http.Post", "*", "", outbound},
	{"net/http.PostForm", "*", "", outbound},
	{"net/http.DefaultClient", "*", "", outbound},
	{"net/http.Client{}", "*", "cmd/rollcall testidp web/outbound.go", outbound},

	{".Save()", "model/...", "", "Save stole another organization's row in a trial: name the columns and update them"},
	{".Raw()", "model/...", handwritten, fragment},
	{".Exec()", "model/...", "model/internal/... model/modeltest model/requestlog", fragment},
	{".QueryContext()", "model/...", "model/internal/pool model/internal/tenant", fragment},
	{".ExecContext()", "model/...", "model/internal/pool model/internal/tenant", fragment},
	{".Table()", "model/...", "", fragment},
	{".AutoMigrate()", "model/...", "", "the schema is what the files in migrations say"},
	{".Joins()", "model/...", handwritten, fragment},
	{"gorm.io/gorm/clause.From", "model/...", handwritten, fragment},
	{"SQL fragment", "model/...", handwritten, fragment},
	{"lower()", "model/...", "", "folded columns are written by Go, so that both databases fold alike"},
}

const (
	// handwritten are the packages with SQL that names the organization itself, with tests for
	// that.
	handwritten = "model/directory model/entitle model/grant model/internal/... model/people model/requestlog " +
		"model/search model/signon model/webhook model/modeltest"

	clock       = "decide by the Now that the package is given, or a test cannot move it"
	environment = "take the value as a parameter: only the command reads the environment"
	outbound    = "an address that a customer named goes through web.Outbound, or it reaches our own network"
	fragment    = "the predicate cannot see inside SQL text: use a sub-query, or move it to a file whose " +
		"statements are tested for theirs"
)

const (
	maxFile     = 400 // lines
	maxFunction = 50  // lines, tests apart
)

func TestArchitecture(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	packages := map[string][]*source{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
				return filepath.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(relative), text)
		if err != nil {
			return err
		}
		packages[path.Dir(s.name)] = append(packages[path.Dir(s.name)], s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, sources := range packages {
		for _, problem := range examine(name, sources) {
			t.Error(problem)
		}
	}
	for name := range arrows {
		if packages[name] == nil {
			t.Errorf("the drawing has a package %s that is not there", name)
		}
	}
}

// examine tells what in a package breaks the drawing.
func examine(name string, sources []*source) []string {
	var problems []string
	if _, drawn := arrows[name]; !drawn {
		problems = append(problems, name+": is not in the drawing: give it its arrows")
	}
	problems = append(problems, roomProblems(name, sources)...)
	documented := 0
	for _, s := range sources {
		problems = append(problems, s.importProblems()...)
		problems = append(problems, s.sizeProblems()...)
		problems = append(problems, s.tidyProblems()...)
		if s.file.Doc != nil && !s.test() {
			documented++
			if want := s.packageComment(); !strings.HasPrefix(s.file.Doc.Text(), want) {
				problems = append(problems, s.name+": the package comment begins with "+want)
			}
		}
		if s.test() {
			continue
		}
		problems = append(problems, s.undocumented()...)
		if name == "model/internal/storetest" {
			continue // what tests share is a test
		}
		for _, f := range s.symbols() {
			for _, b := range bans {
				if f.symbol == b.symbol && stands(s.name, b.in) && !stands(s.name, b.except) {
					problems = append(problems, fmt.Sprintf("%s: %s: %s", s.at(f.pos), b.symbol, b.why))
				}
			}
		}
	}
	if code := slices.ContainsFunc(sources, func(s *source) bool { return !s.test() }); code && documented != 1 {
		problems = append(problems, fmt.Sprintf("%s: %d package comments where there should be one", name, documented))
	}
	return problems
}

// stands tells whether a file is in a list.
func stands(file, list string) bool {
	for item := range strings.FieldsSeq(list) {
		tree, whole := strings.CutSuffix(item, "/...")
		switch {
		case item == "*", item == file, item == path.Dir(file), whole && strings.HasPrefix(file, tree+"/"):
			return true
		case item == "tests" && strings.HasSuffix(file, "_test.go"):
			return true
		}
	}
	return false
}

// TestDependenciesAreExplained keeps one line in CONTRIBUTING.md for each module that go.mod
// requires for our own imports.
func TestDependenciesAreExplained(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, builtOn, found := strings.Cut(string(page), "\n## Built on\n")
	if !found {
		t.Fatal("CONTRIBUTING.md has no section \"Built on\"")
	}
	builtOn, _, _ = strings.Cut(builtOn, "\n## ")
	direct := regexp.MustCompile(`(?m)^(?:require|tool)?\s+(\S+\.\S+/\S+)(?: v\S+)?$`).
		FindAllStringSubmatch(string(mod), -1)
	if len(direct) == 0 {
		t.Fatal("go.mod has no direct requirement")
	}
	for _, m := range direct {
		if !strings.Contains(builtOn, "`"+m[1]+"`") {
			t.Errorf("CONTRIBUTING.md does not say under \"Built on\" why there is `%s`", m[1])
		}
	}
}
