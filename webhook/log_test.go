package webhook_test

import (
	"strings"
	"testing"
)

// The address of an endpoint often has a secret in it, which no log has.
func TestTheLogHasNoAddresses(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		r := w.receive()
		w.endpoint(w.application, r.URL+"/hooks?token=a-secret-of-the-receiver")
		w.provision(w, "ada")
		s := w.sender(r)
		r.Close()
		w.send(s)
		text := w.log.String()
		if !strings.Contains(text, "webhook not delivered") || strings.Contains(text, "a-secret") {
			w.Errorf("the log is %s", text)
		}
	})
}
