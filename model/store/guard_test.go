package store_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGuardIsAMatterOfTheCompiler compiles small programs that try to get past the guard. Each must
// fail to compile, and the same program with one line changed must not.
func TestGuardIsAMatterOfTheCompiler(t *testing.T) {
	t.Parallel()
	const internal = "use of internal package"
	for name, c := range map[string]struct{ in, imports, code, want string }{
		"a handle": {"outside", "rollcall/model/people rollcall/model/store",
			`func f(org *store.Org) { _ = people.In(org) }`, ""},
		"GORM of an organization": {"outside", "rollcall/model/internal/tenant rollcall/model/store",
			`func f(org *store.Org) { tenant.DB(nil, org) }`, internal},
		"GORM as a method": {"outside", "rollcall/model/store",
			`func f(org *store.Org) { org.DB() }`, "org.DB undefined"},
		"hand-written SQL": {"outside", "rollcall/model/internal/tenant rollcall/model/store",
			`func f(org *store.Org) { tenant.Direct(nil, org, tenant.Join("SELECT 1"), nil) }`, internal},
		"all organizations": {"outside", "rollcall/model/internal/across rollcall/model/store",
			`func f(s *store.Store) { across.DB(nil, s) }`, internal},
		"another organization's id as a type": {"outside", "rollcall/model/internal/guard",
			`var id guard.OrganizationID`, internal},

		"a package of the store": {"model/outside", "rollcall/model/internal/tenant",
			`func f(org tenant.Bound) { tenant.DB(nil, org) }`, ""},
		"all organizations without package across": {"model/outside",
			"rollcall/model/internal/tenant rollcall/model/internal/internal/unbounded",
			`func f(s tenant.Base) { tenant.Across(nil, s, unbounded.Key{}) }`, internal},
		"a key made by hand": {"model/outside", "rollcall/model/internal/tenant",
			`func f(s tenant.Base) { tenant.Across(nil, s, struct{ _ [0]func() }{}) }`, "cannot use struct"},
		"no key": {"model/outside", "rollcall/model/internal/tenant",
			`func f(s tenant.Base) { tenant.Across(nil, s, nil) }`, "cannot use nil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output := compile(t, c.in, c.imports, c.code)
			if c.want == "" && output != "" || !strings.Contains(output, c.want) {
				t.Errorf("the compiler says %q, want %q", output, c.want)
			}
		})
	}
}

// compile compiles a package of this module that exists only for the compiler, and returns what the
// compiler says against it.
func compile(t *testing.T, in, imports, code string) string {
	t.Helper()
	text := "package outside\n"
	for path := range strings.FieldsSeq(imports) {
		text += "import \"" + path + "\"\n"
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	file, overlay := filepath.Join(t.TempDir(), "outside.go"), filepath.Join(t.TempDir(), "overlay.json")
	virtual := filepath.Join(root, filepath.FromSlash(in), "outside.go")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {virtual: file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{file: text + code + "\n", overlay: string(list)} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", os.DevNull, "./"+in)
	build.Dir = root
	output, err := build.CombinedOutput()
	if err == nil {
		return ""
	}
	return string(output)
}
