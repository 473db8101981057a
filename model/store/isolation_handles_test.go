package store_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/requestlog"
	"rollcall/model/setup"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/model/testlogin"
)

// handles are the types by which others do something in an organization. TestEveryHandleIsWalked
// finds one that is missing.
var handles = []reflect.Type{
	reflect.TypeFor[organization.Org](),
	reflect.TypeFor[people.Org](),
	reflect.TypeFor[connection.Org](),
	reflect.TypeFor[entitle.Org](),
	reflect.TypeFor[directory.Org](),
	reflect.TypeFor[directory.Contents](),
	reflect.TypeFor[requestlog.Org](),
	reflect.TypeFor[setup.Org](),
	reflect.TypeFor[signon.Org](),
	reflect.TypeFor[operator.Org](),
	reflect.TypeFor[testlogin.Org](),
}

// handleMethods lists the methods of all handles as the tables of this test name them, such as
// people.SetRole or directory.Contents.User. What a
// handle has of store.Org is named once, as store.Tx is.
func handleMethods() []string {
	base := reflect.TypeFor[*store.Org]()
	var names []string
	for i := range base.NumMethod() {
		names = append(names, "store."+base.Method(i).Name)
	}
	for _, h := range handles {
		prefix := strings.TrimSuffix(h.String(), "Org")
		if !strings.HasSuffix(prefix, ".") {
			prefix += "."
		}
		for i := range h.NumMethod() {
			name := h.Method(i).Name
			if _, common := base.MethodByName(name); !common {
				names = append(names, prefix+name)
			}
		}
	}
	return names
}

// TestEveryHandleIsWalked reads the packages of the store for functions that return a handle.
func TestEveryHandleIsWalked(t *testing.T) {
	t.Parallel()
	walked := map[string]bool{}
	for _, h := range handles {
		walked[h.String()] = true
	}
	files, err := filepath.Glob(filepath.Join("..", "*", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	found := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || len(f.Type.Params.List) == 0 {
				continue
			}
			param, ok := f.Type.Params.List[0].Type.(*ast.SelectorExpr)
			if !ok || param.Sel.Name != "Bound" {
				continue
			}
			found++
			handle := fmt.Sprintf("%s.%s", file.Name.Name, f.Type.Results.List[0].Type)
			if !walked[handle] {
				t.Errorf("%s: %s returns %s, which is not among the handles of this test", name, f.Name.Name, handle)
			}
		}
	}
	if found < len(handles) {
		t.Errorf("found %d functions that return a handle, and there are %d handles", found, len(handles))
	}
}
