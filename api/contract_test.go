package api_test

import (
	"slices"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
)

// TestReference calls every operation of the reference that is served and causes every event of the
// reference that Rollcall records. The transport of the client checks each answer.
func TestReference(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		drive(t, w)
		var seen []string
		for cursor := ""; ; {
			page := w.get("/events?limit=100&after=" + cursor)
			for _, e := range page.data() {
				seen = append(seen, e.text("event"))
			}
			if cursor = page.text("list_metadata.after"); cursor == "" {
				break
			}
		}
		served := map[string]bool{}
		for _, r := range w.echo.Routes() {
			if o := w.contract.reference.find(r.Method, strings.ReplaceAll(r.Path, ":", "")); o != nil {
				served[o.method+" "+o.template] = true
			}
		}
		if len(served) < 21 {
			t.Errorf("only %d operations of the reference are served", len(served))
		}
		for name := range served {
			if !w.contract.seen[name] {
				t.Errorf("%s was never exercised", name)
			}
		}

		for _, want := range []model.EventType{
			directory.DirectoryActivated, directory.DirectoryDeleted, directory.DirectoryTokenCreated,
			directory.DirectoryTokenRevoked,
			people.DirectoryUserCreated, people.DirectoryUserUpdated, people.DirectoryUserDeleted,
			directory.DirectoryGroupCreated, directory.DirectoryGroupUpdated, directory.DirectoryGroupDeleted,
			directory.DirectoryGroupUserAdded, directory.DirectoryGroupUserRemoved,
			organization.OrganizationCreated, organization.OrganizationUpdated, organization.OrganizationDeleted,
			organization.DomainCreated, organization.DomainVerified, organization.DomainDeleted, people.UserAccessEnded,
			people.UserDeleted,
			connection.ConnectionActivated, connection.ConnectionDeactivated, connection.ConnectionDeleted,
			connection.CertificateRenewed, connection.CertificateRenewalNeeded, signon.SSOSucceeded, signon.SSOFailed,
		} {
			if !slices.Contains(seen, string(want)) {
				t.Errorf("no event %s was checked", want)
			}
		}
	})
}

// drive creates at least one object of every kind.
func drive(t *testing.T, w *world) {
	tenant := w.tenant(w.client, "contoso")
	organization, dir := tenant.organization, tenant.directory
	ada, bob := tenant.user(w, "ada@contoso.example"), tenant.user(w, "bob@contoso.example")
	staff := tenant.group(w, "Staff", ada.ID, bob.ID)
	must[*people.DirectoryGroup](t)(directory.Of(tenant.org, tenant.id).UpdateGroup(t.Context(), staff.ID,
		func(g *directory.GroupDraft) error {
			return g.SetDocument(map[string]any{"displayName": "Everybody", "externalId": "g1"})
		}, directory.MembersChange{Op: directory.RemoveMembers, UserIDs: []string{bob.ID}}))
	must[*people.User](t)(
		directory.Of(tenant.org, tenant.id).UpdateUser(t.Context(), bob.ID, func(u *people.UserDraft) error {
			u.Active = false
			return nil
		}))

	w.want(200, "PUT", "/organizations/"+organization,
		object{"name": "Contoso Ltd", "external_id": "c/1", "metadata": object{"tier": "gold"}})
	w.get("/organizations")
	w.get("/organizations/" + organization)
	w.get("/organizations/external_id/c%2F1")
	domain := w.want(201, "POST", "/organization_domains",
		object{"organization_id": organization, "domain": "contoso.test"})
	w.want(201, "POST", "/organization_domains/"+domain.text("id")+"/verify", nil)
	w.get("/organization_domains/" + domain.text("id"))
	w.want(204, "DELETE", "/organization_domains/"+domain.text("id"), nil)
	w.want(201, "POST", "/portal/generate_link", object{"organization": organization, "intent": "sso"})

	// The identity provider of an organization without a domain reaches its directory.
	bare := w.want(201, "POST", "/organizations", object{"name": "Bare"}).text("id")
	reached := w.want(201, "POST", "/directories", object{"organization_id": bare, "name": "Bare",
		"type": "okta scim v2.0"})
	must[*directory.Access](t)(directory.Across(w.store).Authenticate(t.Context(), reached.text("scim.bearer_token")))

	hook := w.want(201, "POST", "/webhook_endpoints", object{"endpoint_url": "https://orbit.invalid/hook",
		"events": []string{"dsync.user.created"}}).text("id")
	w.get("/webhook_endpoints")
	w.want(200, "PATCH", "/webhook_endpoints/"+hook, object{"status": "disabled"})
	w.want(204, "DELETE", "/webhook_endpoints/"+hook, nil)

	w.get("/directories")
	w.get("/directories/" + dir)
	token := w.want(201, "POST", "/directories/"+dir+"/tokens", object{"name": "second"})
	w.want(204, "DELETE", "/directories/"+dir+"/tokens/"+token.text("id"), nil)
	w.get("/directory_users?directory=" + dir)
	w.get("/directory_users/" + model.DirectoryUserPrefix.ID(ada.ID))
	w.get("/directory_groups?directory=" + dir)
	w.get("/directory_groups/" + model.DirectoryGroupPrefix.ID(staff.ID))

	tenant.driveConnections(t, w)

	if err := directory.Of(tenant.org, tenant.id).DeleteGroup(t.Context(), staff.ID); err != nil {
		t.Fatal(err)
	}
	if err := directory.Of(tenant.org, tenant.id).DeleteUser(t.Context(), bob.ID); err != nil {
		t.Fatal(err)
	}
	w.want(204, "DELETE", "/users/"+model.UserPrefix.ID(ada.ID), nil)
	w.want(200, "DELETE", "/directories/"+dir, nil)
	w.want(200, "DELETE", "/organizations/"+organization, nil)
}

// driveConnections causes all events of a connection, from its creation to its deletion.
func (t tenant) driveConnections(test *testing.T, w *world) {
	conn := w.connect(w.client, t.organization, nil).text("id")
	path := "/connections/" + conn
	t.signIn(w, conn, "eve", "eve@contoso.example")
	t.failSignIn(w, conn,
		signon.LoginAttempt{Reason: string(refusal.NotProvisioned), Reference: "r-1", UserAgent: "Mozilla/5.0"})
	t.failSignIn(w, conn, signon.LoginAttempt{Reason: string(refusal.UserDeactivated), Reference: "r-2",
		Email: "eve@contoso.example", Address: "192.0.2.1"})
	w.get("/connections")
	w.get(path)
	w.want(200, "PATCH", path, object{"saml": object{"idp_certificates": []string{ending(test, 20)}}})
	id, _ := model.ConnectionPrefix.Parse(conn)
	must[int](test)(connection.In(t.org).CheckCertificates(test.Context(), id))
	w.want(200, "PATCH", path, object{"saml": object{"idp_metadata_xml": metadata(test, 1)}})
	w.get(path)
	w.want(204, "DELETE", path, nil)
}
