package api_test

import (
	"strings"
	"testing"
)

// TestDomainVerification proves domains by their DNS records, with an application's key.
func TestDomainVerification(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ours, theirs := w.application([]string{}), w.application([]string{})
		claim := func(k *client, organization, domain string) (path string, d object) {
			g := k.want(201, "POST", "/organizations", object{"name": organization})
			d = k.want(201, "POST", "/organization_domains", object{"organization_id": g.text("id"), "domain": domain})
			return "/organization_domains/" + d.text("id"), d
		}
		path, d := claim(ours, "Contoso", "Contoso.Test")
		record := d.text("verification_prefix") + "." + d.text("domain")
		t.Run("the claim says which record to make", func(t *testing.T) {
			if record != "_sso-verify.contoso.test" || record != d.text("rollcall.record_name") ||
				d.text("rollcall.record_value") != d.text("verification_token") ||
				len(d.text("verification_token")) < 26 || d.text("state") != "pending" ||
				d.text("rollcall.pending_until") == "" {
				t.Errorf("%v", d)
			}
		})
		t.Run("without the record it stays pending and says what was found", func(t *testing.T) {
			o := ours.want(201, "POST", path+"/verify", nil)
			if o.text("state") != "pending" || o.text("rollcall.finding") != "missing" {
				t.Errorf("%v", o)
			}
			w.idp.dns.Fail(true)
			if o := ours.want(201, "POST", path+"/verify", nil); o.text("state") != "pending" ||
				o.text("rollcall.finding") != "unknown" {
				t.Errorf("%v", o)
			}
			w.idp.dns.Fail(false)
		})
		t.Run("another application finds nothing to verify", func(t *testing.T) {
			theirs.want(404, "POST", path+"/verify", nil)
		})
		t.Run("with the record it is verified, once", func(t *testing.T) {
			w.idp.dns.SetTXT(record, "v=spf1 -all", d.text("verification_token"))
			o := ours.want(201, "POST", path+"/verify", nil)
			if o.text("state") != "verified" || o.text("verification_strategy") != "dns" {
				t.Errorf("%v", o)
			}
			if o := ours.want(400, "POST", path+"/verify", nil); o.text("code") != "domain_already_verified" {
				t.Errorf("%v", o)
			}
		})
		rival, claimed := claim(theirs, "Fabrikam", "contoso.test")
		t.Run("another organization that proves it waits, and both see until when", func(t *testing.T) {
			w.idp.dns.SetTXT(record, claimed.text("verification_token"))
			o := theirs.want(201, "POST", rival+"/verify", nil)
			if o.text("state") != "pending" || o.text("rollcall.proven_at") == "" {
				t.Errorf("%v", o)
			}
			if o := ours.get(path); o.text("state") != "verified" || o.text("rollcall.trusted_until") == "" {
				t.Errorf("%v", o)
			}
		})
		t.Run("the operator sees the other organization, and may force it", func(t *testing.T) {
			if o := w.want(409, "POST", rival+"/verify", nil); !strings.Contains(o.text("message"), `{"force":true}`) {
				t.Errorf("%v", o)
			}
			w.want(422, "POST", rival+"/verify", object{"force": "yes"})
			if o := w.want(201, "POST", rival+"/verify", object{"force": true}); o.text("state") != "verified" {
				t.Errorf("%v", o)
			}
			if o := ours.get(path); o.text("state") != "failed" {
				t.Errorf("%v", o)
			}
		})
		t.Run("a domain that gives addresses to everybody is refused", func(t *testing.T) {
			g := ours.want(201, "POST", "/organizations", object{"name": "Free"})
			o := ours.want(422, "POST", "/organization_domains",
				object{"organization_id": g.text("id"), "domain": "GMail.com"})
			if o.text("errors.0.field") != "domain" {
				t.Errorf("%v", o)
			}
		})
	})
}
