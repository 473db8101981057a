package testidp_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// scimServer is a small SCIM server that is independent of Rollcall. It stores resources, records
// all requests, and supports only the filters and PATCH operations that the two dialects use.
type scimServer struct {
	url string

	mu        sync.Mutex
	requests  []request
	resources map[string][]map[string]any // by "/Users" and "/Groups"
	count     int
	// before may respond to a request in place of the server. It returns whether it did.
	before func(w http.ResponseWriter, r *http.Request) bool
}

type request struct {
	Method, Path, Query string
	Header              http.Header
	Body                any // decoded JSON
}

func (r request) String() string { return r.Method + " " + r.Path }

func newSCIMServer(t *testing.T) *scimServer {
	f := &scimServer{resources: map[string][]map[string]any{}}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	f.url = s.URL + "/scim/v2"
	return f
}

func (f *scimServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	raw, _ := io.ReadAll(r.Body)
	q := request{Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, "/scim/v2"), Query: r.URL.RawQuery,
		Header: r.Header}
	var body any // apart from the recorded one, which is not to change
	if len(raw) > 0 {
		if json.Unmarshal(raw, &q.Body) != nil || json.Unmarshal(raw, &body) != nil {
			http.Error(w, "broken JSON", http.StatusBadRequest)
			return
		}
	}
	f.requests = append(f.requests, q)
	if f.before != nil && f.before(w, r) {
		return
	}
	parts := strings.SplitN(strings.TrimPrefix(q.Path, "/"), "/", 2)
	kind := "/" + parts[0]
	if len(parts) == 1 {
		f.collection(w, r, kind, body)
		return
	}
	i := slices.IndexFunc(f.resources[kind], func(m map[string]any) bool { return m["id"] == parts[1] })
	if i < 0 {
		reply(w, http.StatusNotFound, map[string]any{"detail": "no such resource", "status": "404"})
		return
	}
	m := f.resources[kind][i]
	switch r.Method {
	case http.MethodGet:
		reply(w, http.StatusOK, m)
	case http.MethodPut:
		f.resources[kind][i] = body.(map[string]any)
		reply(w, http.StatusOK, body)
	case http.MethodPatch:
		for _, op := range body.(map[string]any)["Operations"].([]any) {
			apply(m, op.(map[string]any))
		}
		w.WriteHeader(http.StatusNoContent)
	case http.MethodDelete:
		f.resources[kind] = slices.Delete(f.resources[kind], i, i+1)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (f *scimServer) collection(w http.ResponseWriter, r *http.Request, kind string, body any) {
	if r.Method == http.MethodPost {
		f.count++
		m := body.(map[string]any)
		m["id"] = fmt.Sprintf("%s-%d", strings.ToLower(kind[1:2]), f.count)
		delete(m, "password")
		f.resources[kind] = append(f.resources[kind], m)
		reply(w, http.StatusCreated, m)
		return
	}
	found := slices.Clone(f.resources[kind])
	for _, term := range regexp.MustCompile(`(\w+) eq "([^"]*)"`).FindAllStringSubmatch(r.URL.Query().Get("filter"),
		-1) {
		found = slices.DeleteFunc(found, func(m map[string]any) bool {
			if term[1] == "members" {
				return !slices.Contains(members(m), term[2])
			}
			return !strings.EqualFold(fmt.Sprint(m[term[1]]), term[2])
		})
	}
	reply(w, http.StatusOK, map[string]any{"totalResults": len(found), "Resources": found})
}

func apply(m, op map[string]any) {
	path, _ := op["path"].(string)
	verb := strings.ToLower(op["op"].(string))
	list, _ := op["value"].([]any)
	switch {
	case path == "":
		for k, v := range op["value"].(map[string]any) {
			m[k] = v
		}
	case path == "members" && verb == "replace":
		m["members"] = list
	case path == "members" && verb == "add":
		old, _ := m["members"].([]any)
		m["members"] = append(old, list...)
	case strings.HasPrefix(path, "members"):
		gone := []string{strings.Trim(strings.TrimPrefix(path, "members[value eq "), `"]`)}
		for _, v := range list {
			gone = append(gone, v.(map[string]any)["value"].(string))
		}
		m["members"] = slices.DeleteFunc(m["members"].([]any), func(v any) bool {
			return slices.Contains(gone, v.(map[string]any)["value"].(string))
		})
	case strings.HasSuffix(path, ":manager"):
		m["manager"] = op["value"]
	default:
		m[path] = op["value"]
	}
}

func members(group map[string]any) []string {
	var ids []string
	list, _ := group["members"].([]any)
	for _, v := range list {
		ids = append(ids, v.(map[string]any)["value"].(string))
	}
	return ids
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// taken returns the requests since the last call.
func (f *scimServer) taken() []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.requests
	f.requests = nil
	return taken
}

func (f *scimServer) intercept(before func(w http.ResponseWriter, r *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = before
}

// resource returns the one resource whose attribute has the value.
func (f *scimServer) resource(t *testing.T, kind, attribute, value string) map[string]any {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []map[string]any
	for _, m := range f.resources[kind] {
		if m[attribute] == value {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d of %s have %s %q, want 1", len(found), kind, attribute, value)
	}
	return found[0]
}

func (f *scimServer) size(kind string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.resources[kind])
}
