package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	endpoints "rollcall/model/webhook"
)

// Each signature is what the libraries of receivers compute.
func TestSignatures(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.T
		r := w.receive()
		e := w.endpoint(w.application, r.URL)
		s, webhooks := w.sender(r), endpoints.Across(w.store)
		first := must[endpoints.Secrets](w)(webhooks.Secrets(e)).Current
		users := 0
		sent := func() request {
			users++
			w.provision(w, fmt.Sprint("user-", users))
			w.send(s)
			got := r.take()
			if len(got) != 1 {
				t.Fatalf("%d came", len(got))
			}
			return got[0]
		}
		check := func(when string, q request, reference string, standard ...string) {
			t.Helper()
			ms := fmt.Sprint(w.Now().UnixMilli())
			if want := "t=" + ms + ", v1=" + hex.EncodeToString(sum(reference, ms+"."+q.body)); q.header.Get(
				"WorkOS-Signature") != want {
				t.Errorf("%s: %s, want %s", when, q.header.Get("WorkOS-Signature"), want)
			}
			seconds := fmt.Sprint(w.Now().Unix())
			var want []string
			for _, secret := range standard {
				key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
				if err != nil || len(key) != 32 {
					t.Fatalf("secret %q: %v", secret, err)
				}
				want = append(want, "v1,"+base64.StdEncoding.EncodeToString(
					sum(string(key), q.id+"."+seconds+"."+q.body)))
			}
			if q.header.Get("webhook-timestamp") != seconds ||
				q.header.Get("webhook-signature") != strings.Join(want, " ") {
				t.Errorf("%s: %v, want %v", when, q.header, want)
			}
		}
		check("with one secret", sent(), first, first)
		rotated := must[*endpoints.Endpoint](w)(webhooks.Rotate(t.Context(), w.application, e.ID))
		second := must[endpoints.Secrets](w)(webhooks.Secrets(rotated))
		if second.Old != first || second.Current == first {
			t.Fatal("the secret did not change")
		}
		check("while it is rotated", sent(), first, second.Current, first)
		w.Advance(24*time.Hour - time.Millisecond)
		check("until a day later", sent(), first, second.Current, first)
		w.Advance(time.Millisecond)
		check("from a day later on", sent(), second.Current, second.Current)
		must[*endpoints.Endpoint](w)(webhooks.Rotate(t.Context(), w.application, e.ID))
		finished := must[*endpoints.Endpoint](w)(webhooks.FinishRotation(t.Context(), w.application, e.ID))
		third := must[endpoints.Secrets](w)(webhooks.Secrets(finished))
		check("when the rotation is finished", sent(), third.Current, third.Current)
	})
}

func sum(key, text string) []byte {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}
