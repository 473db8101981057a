package api_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"rollcall/web"
)

// TestEventBytes: data of an event is byte for byte what JSON.stringify(JSON.parse(x)) answers,
// whatever a directory sent. The reference's SDKs verify signatures over that.
func TestEventBytes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		n := w.tenant(w.client, "contoso")
		idp := &client{t, http.DefaultClient, w.serveSCIM() + "/scim/v2/" + n.directory, n.token}
		const extension = "urn:example:params:scim:schemas:extension:crew:2.0:User"
		made := idp.want(201, "POST", "/Users", `{
			"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","`+extension+`"],
			"userName":"ada\u2028<&>\/","title":"\ud83d\ude00 \u001f",
			"`+extension+`":{"b":1e2,"a":1.0,"z":-0,"big":12345678901234567890,
			"10":{"y":[2.50,{"9":1,"8":2}]},"2":"\u00e9"}}`)
		idp.want(200, "PATCH", "/Users/"+made.text("id"), `{
			"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
			"Operations":[{"op":"replace","path":"`+extension+`:a","value":1E-7}]}`)
		for _, path := range []string{"/events?events=dsync.user.created,dsync.user.updated",
			"/directory_users?directory=" + n.directory, "/users?organization_id=" + n.organization} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+w.key)
			answer := must[*http.Response](t)(http.DefaultClient.Do(r))
			body := must[[]byte](t)(io.ReadAll(answer.Body))
			_ = answer.Body.Close()
			if !bytes.Equal(body, append(web.Stringified(body), '\n')) {
				t.Errorf("%s: %s", path, body)
			}
			if !strings.HasPrefix(path, "/events") {
				continue
			}
			for _, want := range []string{`"2":"é","10":{"y":[2.5,{"8":2,"9":1}]}`, `"b":100`, `"z":0`,
				`"big":12345678901234567000`, "ada\u2028<&>/", "\U0001F600 \\u001f", `"a":1`, `"a":1e-7`} {
				if !strings.Contains(string(body), want) {
					t.Errorf("no %s in %s", want, body)
				}
			}
		}
	})
}
