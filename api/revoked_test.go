package api_test

import (
	"io"
	"net/http"
	"testing"
)

// TestKeyGoesWhileTheBodyArrives sends half of a body, has the operator delete the application, and
// sends the rest: the call is carried out only after that.
func TestKeyGoesWhileTheBodyArrives(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		app := w.application("all")
		id := w.applicationOf(app)
		app.want(201, "POST", "/organizations", object{"name": "Before"})
		body, rest := io.Pipe()
		go func() {
			_, _ = io.WriteString(rest, `{"name":`) // returns once it is read
			w.want(204, "DELETE", "/applications/"+id, nil)
			_, _ = io.WriteString(rest, `"After"}`)
			_ = rest.Close()
		}()
		r, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/organizations", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+app.key)
		answer, err := w.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d", answer.StatusCode)
		}
		if n := len(w.get("/organizations").data()); n != 1 {
			t.Errorf("there are %d organizations", n)
		}
	})
}
