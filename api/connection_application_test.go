package api_test

import (
	"strings"
	"testing"
)

// TestConnectionOfApplication checks that an application's key can connect its own organizations
// and name only its own application.
func TestConnectionOfApplication(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		app := w.application([]string{})
		tenant := w.tenant(app, "contoso")
		self, other := w.applicationOf(app), w.applicationOf(w.application("all"))
		path := "/connections/" + w.connect(app, tenant.organization, object{"application_id": self}).text("id")

		for name, id := range map[string]string{"another that serves the organization": other,
			"an unknown one": "app_" + anID, "no id": "x"} {
			t.Run(name, func(t *testing.T) {
				body := object{"organization_id": tenant.organization, "name": "x", "connection_type": "GenericSAML",
					"saml": object{"idp_metadata_xml": metadata(t, 0)}, "application_id": id}
				for method, path := range map[string]string{"POST": "/connections", "PATCH": path} {
					o := app.want(422, method, path, body)
					if o.text("errors.0.field") != "application_id" ||
						!strings.HasPrefix(o.text("message"), "with an application's key") {
						t.Errorf("%s answers %v", method, o)
					}
				}
			})
		}
		t.Run("what the operator chose may be sent back and taken away", func(t *testing.T) {
			w.want(200, "PATCH", path, object{"application_id": other})
			o := app.want(200, "PATCH", path, object{"application_id": other, "name": "Mine"})
			if o.text("application_id") != other {
				t.Errorf("got %v", o)
			}
			if o := app.want(200, "PATCH", path, object{"application_id": nil}); o["application_id"] != nil {
				t.Errorf("got %v", o)
			}
		})
		app.want(204, "DELETE", path, nil)
	})
}
