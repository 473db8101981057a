package api_test

import (
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/requestlog"
)

func TestDirectoryRequests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		path := "/directories/" + tenant.directory + "/requests"
		token := must[[]directory.DirectoryToken](t)(
			directory.Of(tenant.org, tenant.id).Tokens(t.Context()))[0]
		log := requestlog.New(requestlog.Across(w.store))
		for _, status := range []int64{201, 400} {
			log.Add(requestlog.Request{OrganizationID: token.OrganizationID, DirectoryID: token.DirectoryID,
				Method: "POST", Path: "/Users",
				Status: status, Duration: 1500, TokenID: token.ID, TokenName: token.Name, TokenSuffix: token.Suffix,
				RequestID: "r"})
		}
		must[int](t)(log.RunOnce(t.Context()))

		list := w.get(path + "?limit=1")
		for name, want := range map[string]any{"object": "directory_request", "directory_id": tenant.directory,
			"organization_id": tenant.organization,
			"method":          "POST", "path": "/Users", "status": 400.0, "duration_ms": 1.5, "resource_id": nil,
			"filter": nil, "detail": nil,
			"request_id": "r", "token.name": token.Name, "token.token_suffix": token.Suffix,
			"token.id": model.DirectoryTokenPrefix.ID(token.ID)} {
			if got := list.at("data.0." + name); got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		next := w.get(path + "?after=" + list.text("list_metadata.after"))
		if got := next.at("data.0.status"); got != 201.0 || len(next.data()) != 1 || len(list.data()) != 1 {
			t.Errorf("then %v", next)
		}
		w.want(422, "GET", path+"?after=x", nil)
		w.want(404, "GET", "/directories/directory_01J0000000000000000000000A/requests", nil)
	})
}
