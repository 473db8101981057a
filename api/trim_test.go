package api_test

import "testing"

// TestSpaceAroundMembersIsTakenAway: in every body, query and path. What only the application
// understands stays as it was sent.
func TestSpaceAroundMembersIsTakenAway(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		demand := func(o object, values map[string]string) {
			t.Helper()
			for path, want := range values {
				if got := o.text(path); got != want {
					t.Errorf("%s is %q, want %q", path, got, want)
				}
			}
		}
		o := w.want(201, "POST", "/organizations", object{"name": " Contoso\u00a0", "external_id": "ext-1\r\n",
			"domain_data": []object{{"domain": " space.example\t", "state": " verified "}},
			"metadata":    object{"tier": " gold "}})
		id := o.text("id")
		demand(o, map[string]string{"name": "Contoso", "external_id": "ext-1", "metadata.tier": " gold ",
			"domains.0.domain": "space.example"})
		demand(w.get("/organizations/"+id+"%20"), map[string]string{"id": id})
		demand(w.get("/organizations/external_id/ext-1%20"), map[string]string{"id": id})
		o = w.want(201, "POST", "/directories", object{"organization_id": id + " ", "name": " Staff ",
			"type": "generic scim v2.0 "})
		demand(o, map[string]string{"name": "Staff", "organization_id": id})
		demand(w.get("/directories?organization_id=%20"+id+"%E2%80%8B"), map[string]string{"data.0.id": o.text("id")})
		o = w.want(201, "POST", "/applications", object{"name": " App ",
			"redirect_uris": []string{" https://app.example/callback\n"}, "organizations": []string{" " + id}})
		demand(o, map[string]string{"name": "App", "redirect_uris.0": "https://app.example/callback",
			"organizations.0": id})
		account := w.want(201, "POST", "/accounts", object{"organization_id": id, "name": "\tMain "})
		demand(account, map[string]string{"name": "Main"})
		o = w.want(201, "POST", "/accounts/"+account.text("id")+"/groups", object{"name": " Writers ",
			"permissions": []string{" write "}, "mappings": []object{{"name": " Staff "}}})
		demand(o, map[string]string{"name": "Writers", "permissions.0": "write", "mappings.0.name": "Staff"})
	})
}
