package webhook_test

import (
	"testing"
	"time"

	endpoints "rollcall/model/webhook"
)

// Who read an endpoint before it was changed sends nothing more with what it was: it was disabled,
// its address belongs to somebody else, or its secret leaked.
func TestAChangeOfAnEndpointEndsWhatBeganBefore(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		webhooks, url := endpoints.Across(w.store), w.receive().URL
		e := w.endpoint(w.application, url)
		w.provision(w, "ada")
		lane := w.provision(w, "bob").ID
		must[bool](w)(webhooks.FanOut(w.Context()))
		set := func(change func(*endpoints.Fields)) func() (*endpoints.Endpoint, error) {
			return func() (*endpoints.Endpoint, error) {
				return webhooks.Update(w.Context(), w.application, e.ID, func(f *endpoints.Fields) error {
					change(f)
					return nil
				})
			}
		}
		for name, change := range map[string]func() (*endpoints.Endpoint, error){
			"disabled": set(func(f *endpoints.Fields) { f.Status = endpoints.Disabled }),
			"moved":    set(func(f *endpoints.Fields) { f.URL, f.Status = url+"/elsewhere", endpoints.Enabled }),
			"rotated": func() (*endpoints.Endpoint, error) {
				return webhooks.Rotate(w.Context(), w.application, e.ID)
			},
			"finished": func() (*endpoints.Endpoint, error) {
				return webhooks.FinishRotation(w.Context(), w.application, e.ID)
			},
		} {
			before := w.again(w.application, e.ID)
			w.Advance(time.Second)
			must[*endpoints.Endpoint](w)(change())
			some := must[[]endpoints.Claimed](w)(webhooks.Claim(w.Context(), before, 16))
			next := must[[]endpoints.Claimed](w)(webhooks.ClaimNext(w.Context(), before, lane))
			if len(some)+len(next) > 0 {
				w.Errorf("%s: %d and %d deliveries for what the endpoint was before", name, len(some), len(next))
			}
		}
		must[*endpoints.Endpoint](w)(set(func(f *endpoints.Fields) { f.Status = endpoints.Enabled })())
		now := w.again(w.application, e.ID)
		if some := must[[]endpoints.Claimed](w)(webhooks.Claim(w.Context(), now, 16)); len(some) != 2 {
			w.Errorf("%d deliveries for the endpoint as it is now", len(some))
		}
	})
}
