package sso_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beevik/etree"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/modeltest"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/sso/saml"
	"rollcall/testidp"
	"rollcall/trust"
	"rollcall/web"
)

// publisher serves an identity provider's metadata, and counts who asks.
type publisher struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(w http.ResponseWriter)
	asked  atomic.Int32
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.asked.Add(1)
	p.mu.Lock()
	answer := p.answer
	p.mu.Unlock()
	answer(w)
}

func (p *publisher) answers(how func(w http.ResponseWriter)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = how
}

// published has the tenant's connection follow its identity provider's metadata, and returns what
// serves that and what reads it.
func (w *world) published() (*publisher, *trust.Watch) {
	w.t.Helper()
	return w.publishedWithin(0)
}

// publishedWithin is published with a limit for one answer, the server's own when zero.
func (w *world) publishedWithin(limit time.Duration) (*publisher, *trust.Watch) {
	w.t.Helper()
	p := &publisher{}
	p.answers(func(a http.ResponseWriter) { _, _ = a.Write(w.idp.SAMLMetadata()) })
	p.Server = httptest.NewTLSServer(p)
	w.t.Cleanup(p.Close)
	roots := x509.NewCertPool()
	roots.AddCert(p.Certificate())
	w.update(w.tenant, func(c *connection.ConnectionFields) {
		c.IDPMetadataURL = p.URL
		c.MetadataTaken(w.clock.Now())
	})
	return p, w.watchWithin(limit, roots)
}

func (w *world) watch(roots *x509.CertPool) *trust.Watch { return w.watchWithin(0, roots) }

func (w *world) watchWithin(limit time.Duration, roots *x509.CertPool) *trust.Watch {
	return &trust.Watch{Store: w.store, Log: w.logged.to(w.t), Outbound: web.NewOutbound(web.OutboundOptions{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Roots: roots, Timeout: limit})}
}

// work has the watch do what is due.
func (w *world) work(watch *trust.Watch) {
	w.t.Helper()
	_, err := watch.RunOnce(w.t.Context())
	must(w.t, err)
}

// saml is what the API shows of the tenant's connection.
func (w *world) saml() map[string]any {
	w.t.Helper()
	path := "/connections/" + model.ConnectionPrefix.ID(w.connection.ID)
	status, body := w.call(http.MethodGet, path, bootstrapKey, nil)
	if status != http.StatusOK {
		w.t.Fatalf("%d %v", status, body)
	}
	return body["saml"].(map[string]any)
}

func (w *world) attempt() answer { return w.browser().signIn(w.tenant, ada(w.tenant)) }

func (w *world) eventTypes() []string {
	var out []string
	for _, e := range w.events() {
		out = append(out, e.Event)
	}
	return out
}

// TestCertificateRollover: the identity provider announces a key, signs with it and drops the old
// one. No login is refused meanwhile.
func TestCertificateRollover(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		_, watch := w.published()
		must(t, w.idp.PublishNextKey())
		w.clock.Advance(24 * time.Hour)
		w.work(watch)
		if n := len(w.saml()["idp_certificates"].([]any)); n != 2 {
			t.Fatalf("%d certificates are known", n)
		}
		w.attempt().code(t)
		must(t, w.idp.UseNextKey())
		w.attempt().code(t)
		must(t, w.idp.RetireFirstKey())
		w.clock.Advance(24 * time.Hour)
		w.work(watch)
		w.attempt().code(t)
		if n := len(w.saml()["idp_certificates"].([]any)); n != 1 {
			t.Errorf("%d certificates are known once the first is gone", n)
		}
		types := w.eventTypes()
		count := func(of model.EventType) (n int) {
			for _, e := range types {
				if e == string(of) {
					n++
				}
			}
			return n
		}
		if count(connection.CertificatesChanged) != 2 || count(connection.CertificateRenewed) != 1 {
			t.Errorf("the events are %v", types)
		}
	})
}

// TestUnknownKeyHasTheMetadataRead: an identity provider that changes its key without a word.
func TestUnknownKeyHasTheMetadataRead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		p, watch := w.published()
		w.work(watch)
		if n := p.asked.Load(); n != 0 {
			t.Errorf("asked %d times before anything is due", n)
		}
		must(t, w.idp.PublishNextKey())
		must(t, w.idp.UseNextKey())
		w.refused(w.tenant, w.attempt(), string(saml.WrongKey))
		w.work(watch)
		w.attempt().code(t)

		// A stranger can post messages signed by another key. They make the program read the
		// metadata at most every ten minutes.
		p.answers(func(a http.ResponseWriter) { _, _ = io.WriteString(a, "<html>") })
		must(t, w.idp.PublishNextKey())
		must(t, w.idp.UseNextKey())
		before := p.asked.Load()
		for range 5 {
			w.refused(w.tenant, w.attempt(), string(saml.WrongKey))
			w.work(watch)
		}
		if n := p.asked.Load() - before; n != 0 {
			t.Errorf("asked %d times more within ten minutes", n)
		}
		w.clock.Advance(11 * time.Minute)
		for range 5 {
			w.refused(w.tenant, w.attempt(), string(saml.WrongKey))
			w.work(watch)
		}
		if n := p.asked.Load() - before; n != 1 {
			t.Errorf("asked %d times more in the next ten minutes", n)
		}
	})
}

// TestBadMetadataReplacesNothing has each answer leave what is known, and say why.
func TestBadMetadataReplacesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, modeltest.SQLite(t), store.Options{})
	w.activate(w.tenant)
	p, watch := w.published()
	fabrikam := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
	good := string(w.idp.SAMLMetadata())
	text := func(document string) func(http.ResponseWriter) {
		return func(a http.ResponseWriter) { _, _ = io.WriteString(a, document) }
	}
	known := w.saml()
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter)
		want   string // in the error
	}{
		{"nothing", text(""), "not SAML metadata"},
		{"a page", text("<!DOCTYPE html><html>sign in</html>"), "web page"},
		{"a status", func(a http.ResponseWriter) { a.WriteHeader(http.StatusServiceUnavailable) }, "status 503"},
		{"another identity provider's", text(string(fabrikam.idp.SAMLMetadata())), fabrikam.idp.SAMLEntityID()},
		{"a document type", text(`<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>` + good), "document type"},
		{"no certificate", text(strings.ReplaceAll(good, `use="signing"`, `use="encryption"`)),
			"no signing certificate"},
		{"past its end", text(strings.Replace(good, "entityID=", `validUntil="2020-01-01T00:00:00Z" entityID=`, 1)),
			"validUntil"},
		{"broken off", text(good[:len(good)/2]), "well-formed"},
		{"too large", text(good + strings.Repeat(" ", 2<<20)), "larger than"},
		{"too many elements", text(strings.Replace(good, "</md:EntityDescriptor>",
			strings.Repeat("<a/>", 6000)+"</md:EntityDescriptor>", 1)), "5,000"},
		{"a redirect inside", func(a http.ResponseWriter) {
			a.Header().Set("Location", "https://169.254.169.254/")
			a.WriteHeader(http.StatusFound)
		}, "not public"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.answers(c.answer)
			w.clock.Advance(24 * time.Hour)
			w.work(watch)
			got := w.saml()
			metadata := got["metadata"].(map[string]any)
			message, _ := metadata["error"].(string)
			if !strings.Contains(message, c.want) ||
				metadata["refreshed_at"] != known["metadata"].(map[string]any)["refreshed_at"] ||
				metadata["tried_at"] == nil {
				t.Errorf("got %v, want an error with %q", metadata, c.want)
			}
			for _, member := range []string{"idp_entity_id", "idp_sso_url", "idp_metadata_url"} {
				if got[member] != known[member] {
					t.Errorf("%s is %v", member, got[member])
				}
			}
			w.attempt().code(t)
		})
	}
	if slices.Contains(w.eventTypes(), string(connection.CertificatesChanged)) {
		t.Error("an event says that the certificates changed")
	}
	p.answers(text(good))
	w.clock.Advance(24 * time.Hour)
	w.work(watch)
	if metadata := w.saml()["metadata"].(map[string]any); metadata["error"] != nil {
		t.Errorf("after a good answer: %v", metadata)
	}
	if strings.Contains(w.logged.String(), p.URL) {
		t.Error("the log has the address, in which there may be a secret")
	}
}

func TestMetadataThatDoesNotComeInTimeReplacesNothing(t *testing.T) {
	t.Parallel()
	w := one(t)
	p, watch := w.publishedWithin(50 * time.Millisecond)
	ended := make(chan bool)
	t.Cleanup(func() { close(ended) }) // before the server closes, which waits for its answers
	p.answers(func(http.ResponseWriter) { <-ended })
	known := w.saml()
	w.clock.Advance(24 * time.Hour)
	w.work(watch)
	got := w.saml()
	if message, _ := got["metadata"].(map[string]any)["error"].(string); !strings.Contains(message, "in time") {
		t.Errorf("the error is %q", message)
	}
	if got["idp_sso_url"] != known["idp_sso_url"] || got["idp_metadata_url"] != known["idp_metadata_url"] {
		t.Errorf("got %v", got)
	}
	w.attempt().code(t)
}

func TestMetadataOfSeveralIsReadForTheConnectionsOwn(t *testing.T) {
	t.Parallel()
	w := one(t)
	p, watch := w.published()
	fabrikam := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
	p.answers(func(a http.ResponseWriter) {
		_, _ = io.WriteString(a, `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">`)
		for _, idp := range []*testidp.Application{fabrikam.idp, w.idp} {
			_, document, _ := strings.Cut(string(idp.SAMLMetadata()), "?>")
			_, _ = io.WriteString(a, document)
		}
		_, _ = io.WriteString(a, `</md:EntitiesDescriptor>`)
	})
	must(t, w.idp.PublishNextKey())
	w.clock.Advance(24 * time.Hour)
	w.work(watch)
	if got := w.saml(); len(got["idp_certificates"].([]any)) != 2 || got["idp_entity_id"] != w.idp.SAMLEntityID() {
		t.Errorf("got %v", got)
	}
}

// TestCertificatesAreWatched: the worker records what expires, and the API shows it.
func TestCertificatesAreWatched(t *testing.T) {
	t.Parallel()
	w := one(t)
	watch := w.watch(nil)
	w.work(watch)
	state := func() string {
		return w.saml()["certificates"].([]any)[0].(map[string]any)["state"].(string)
	}
	if got := state(); got != "valid" || slices.Contains(w.eventTypes(), string(connection.CertificateRenewalNeeded)) {
		t.Errorf("a new certificate is %s: %v", got, w.eventTypes())
	}
	w.clock.Advance(10 * 365 * 24 * time.Hour)
	w.work(watch)
	if got := state(); got != "expiring" ||
		!slices.Contains(w.eventTypes(), string(connection.CertificateRenewalNeeded)) {
		t.Errorf("a certificate of ten years is %s after almost that time: %v", got, w.eventTypes())
	}
}

func TestCertificateThatHasExpired(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.clock.Advance(11 * 365 * 24 * time.Hour)
	w.attempt().code(t)
	attempts, _, err := signon.In(w.org).LoginAttempts(t.Context(), w.connection.ID, model.Page{Limit: 1})
	must(t, err)
	noted := func(a signon.LoginAttempt) bool {
		return len(a.Notes) > 0 &&
			strings.HasPrefix(a.Notes[0], trust.Advice(string(saml.CertificateExpired), w.connection))
	}
	if !noted(attempts[0]) {
		t.Errorf("the log notes %q", attempts[0].Notes)
	}
	for reason, change := range map[string]func(r *etree.Element){
		string(saml.WrongAudience): func(r *etree.Element) { r.FindElement("//saml:Audience").SetText("another") },
		string(refusal.SubjectTransient): func(r *etree.Element) {
			r.FindElement("//saml:NameID").CreateAttr("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:transient")
		},
		string(refusal.NotProvisioned): func(r *etree.Element) { r.FindElement("//saml:NameID").SetText("nobody") },
	} {
		b := w.browser()
		form := w.answer(t, b.get(w.authorize(w.tenant)), person(w.tenant, 9), testidp.ResponseOptions{Edit: change})
		w.update(w.tenant, func(c *connection.ConnectionFields) {
			c.AttributeMapping = map[string]string{"email": "nothing"}
		})
		w.refused(w.tenant, b.post(w.sp(w.connection, "/acs"), form), reason)
		attempts, _, err := signon.In(w.org).LoginAttempts(t.Context(), w.connection.ID, model.Page{Limit: 1})
		if must(t, err); !noted(attempts[0]) {
			t.Errorf("%s: the log notes %q", reason, attempts[0].Notes)
		}
	}
	w.update(w.tenant, func(c *connection.ConnectionFields) { c.RefuseExpiredCertificates = true })
	w.refused(w.tenant, w.attempt(), string(saml.CertificateExpired))
}
