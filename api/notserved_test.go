package api_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestNothingIsThere: a client of the API shows the message of its error form, at whatever path.
func TestNothingIsThere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		app := w.application("all")
		for _, c := range []*client{w.client, app, w.as("sk_unknown")} {
			for _, path := range []string{"/webhooks", "/portal/generate_links", "/x", "/x/y?z=1",
				"/audit_logs/events", "/vault/v1/kv",
				"/user_management/users", "/authorization/roles", "/%2e%2e/x", "/organisations"} {
				for _, method := range []string{"GET", "POST", "DELETE"} {
					status, header, o := c.send(method, path, nil)
					if status != 404 || header.Get("Content-Type") != "application/json" || o.text("message") == "" {
						t.Errorf("%s %s: %d %v", method, path, status, o)
					}
				}
			}
		}
		o := w.want(404, "GET", "/audit_logs/exports/x", nil)
		if o.text("code") != "not_served" || !strings.Contains(o.text("message"), "Audit Logs") {
			t.Errorf("got %v", o)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer := must[*http.Response](t)(http.DefaultClient.Do(r))
		_ = answer.Body.Close()
		if answer.Header.Get("Content-Type") == "application/json" {
			t.Error("a browser gets the error form of the API")
		}
	})
}

// TestRoles are two, the same in every organization.
func TestRoles(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		g := w.tenant(w.client, "contoso").organization
		for _, below := range []string{"", "/authorization"} {
			path := below + "/organizations/" + g + "/roles"
			o := w.get(path)
			if o.text("object") != "list" || o.text("data.0.slug") != "member" || o.text("data.1.slug") != "admin" ||
				o.text("data.0.id") == o.text("data.1.id") || len(o.data()) != 2 {
				t.Errorf("got %v", o)
			}
		}
		if o := w.get("/authorization/organizations/" + g + "/roles/admin"); o.text("name") != "Admin" {
			t.Errorf("got %v", o)
		}
		w.want(404, "GET", "/authorization/organizations/"+g+"/roles/owner", nil)
		w.application([]string{}).want(404, "GET", "/organizations/"+g+"/roles", nil)
	})
}

// TestDirectoryTellsItsAddress whenever it is read, so that nobody must keep the first answer.
func TestDirectoryTellsItsAddress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := w.tenant(w.client, "contoso").directory
		for _, o := range []object{w.get("/directories/" + d), w.get("/directories").data()[0],
			w.want(200, "PATCH", "/directories/"+d, object{"name": "Renamed"})} {
			scim, _ := o["scim"].(map[string]any)
			if len(scim) != 1 || scim["base_url"] != publicURL+"/scim/v2/"+d {
				t.Errorf("got %v", o)
			}
		}
		if o := w.want(202, "POST", "/directories/"+d+"/sync", object{}); o.text("status") != "queued" {
			t.Errorf("got %v", o)
		}
	})
}

// TestMisspeltEvent is refused with the names that are near.
func TestMisspeltEvent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for query, want := range map[string]string{
			"events=dsync.user.create":                       "did you mean dsync.user.created",
			"events=user.created,user.acces_ended":           "did you mean user.access_ended",
			"events=user.created&events=USER.DELETED":        "did you mean user.deleted",
			"events[]=something.else.altogether.unknown":     "docs/application.md",
			"events=" + strings.Repeat("user.created.", 500): "docs/application.md",
		} {
			o := w.want(422, "GET", "/events?"+query, nil)
			if o.text("errors.0.field") != "events" || !strings.Contains(o.text("message"), want) {
				t.Errorf("%.80s: %v", query, o)
			}
		}
		for _, own := range recordedEvents(t) {
			w.get("/events?events=" + own)
		}
		w.get("/events?events=invitation.created,session.created")
	})
}

// recordedEvents are the types of events that the store's source names.
func recordedEvents(t *testing.T) (types []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join("..", "model"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Values) != 1 {
				return true
			}
			of, ok := v.Type.(*ast.SelectorExpr)
			text, isText := v.Values[0].(*ast.BasicLit)
			if ok && isText && of.Sel.Name == "EventType" {
				name, err := strconv.Unquote(text.Value)
				types = append(types, must[string](t)(name, err))
			}
			return true
		})
		return nil
	})
	if err != nil || len(types) < 45 {
		t.Fatalf("%d types, %v", len(types), err)
	}
	return types
}
