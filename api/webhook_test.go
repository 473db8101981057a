package api_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/webhook"
)

// hook is a body that makes an endpoint. Its host has no address, so that nothing is sent.
func hook(path string) object {
	return object{"endpoint_url": "https://orbit.invalid/" + path, "events": []string{"dsync.user.created"}}
}

func TestWebhookEndpoints(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		app := w.application("all")
		e := app.want(201, "POST", "/webhook_endpoints", object{"endpoint_url": " https://orbit.invalid/hook ",
			"events": []string{"user.access_ended", "dsync.user.created", "user.access_ended"}})
		path := "/webhook_endpoints/" + e.text("id")
		if !strings.HasPrefix(e.text("id"), "we_") || e.text("endpoint_url") != "https://orbit.invalid/hook" ||
			!strings.HasPrefix(e.text("secret"), "whsec_") || e.text("status") != "enabled" ||
			fmt.Sprint(e["events"]) != "[dsync.user.created user.access_ended]" {
			t.Errorf("created %v", e)
		}
		if o := app.get(path); o.text("secret") != e.text("secret") {
			t.Errorf("read %v", o)
		}
		other := app.want(201, "POST", "/webhook_endpoints", hook("other"))
		if ids := app.get("/webhook_endpoints").ids(); len(ids) != 2 || ids[0] != other.text("id") {
			t.Errorf("listed %v", ids)
		}
		o := app.want(200, "PATCH", path, object{"status": "disabled", "events": []string{"dsync.user.deleted"}})
		if o.text("status") != "disabled" || o.text("events.0") != "dsync.user.deleted" ||
			o.text("endpoint_url") != "https://orbit.invalid/hook" {
			t.Errorf("changed %v", o)
		}
		// An endpoint belongs to whose key made it.
		for _, stranger := range []*client{w.client, w.application("all")} {
			for _, call := range [][2]string{{"GET", path}, {"PATCH", path}, {"DELETE", path},
				{"GET", path + "/deliveries"}, {"POST", path + "/replay"}, {"POST", path + "/rotate_secret"},
				{"POST", path + "/rotate_secret/finish"}} {
				var body any
				if call[0] == "PATCH" {
					body = object{"status": "enabled"}
				} else if strings.HasSuffix(call[1], "replay") {
					body = object{"failed": true}
				}
				stranger.want(404, call[0], call[1], body)
			}
			if ids := stranger.get("/webhook_endpoints").ids(); len(ids) != 0 {
				t.Errorf("a stranger lists %v", ids)
			}
			stranger.want(201, "POST", "/webhook_endpoints", hook("hook"))
		}
		rotated := app.want(200, "POST", path+"/rotate_secret", nil)
		if rotated.text("secret") == e.text("secret") || rotated.text("rollcall.old_secret") != e.text("secret") {
			t.Errorf("rotated %v", rotated)
		}
		finished := app.want(200, "POST", path+"/rotate_secret/finish", nil)
		if finished.text("secret") != rotated.text("secret") || finished.at("rollcall.old_secret") != nil {
			t.Errorf("finished %v", finished)
		}
		app.want(204, "DELETE", path, nil)
		app.want(404, "GET", path, nil)
		w.want(204, "DELETE", "/applications/"+w.applicationOf(app), nil)
		app.want(401, "GET", "/webhook_endpoints", nil)
	})
}

func TestWebhookEndpointsThatAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.want(201, "POST", "/webhook_endpoints", hook("taken"))
		second := "/webhook_endpoints/" + w.want(201, "POST", "/webhook_endpoints", hook("second")).text("id")
		events := []string{"dsync.user.created"}
		for _, test := range []struct {
			name         string
			method, path string
			body         any
			status       int
			code, says   string
		}{
			{"without an address", "POST", "", object{"events": events}, 422, "", "endpoint_url is required"},
			{"without events", "POST", "", object{"endpoint_url": "https://a.invalid"}, 422, "", "events is required"},
			{"with no event", "POST", "", object{"endpoint_url": "https://a.invalid", "events": []string{}}, 422, "",
				"at least one event"},
			{"with a misspelt event", "POST", "", object{"endpoint_url": "https://a.invalid",
				"events": []string{"dsync.user.create"}}, 422, "invalid_request_parameters", "dsync.user.created"},
			{"an address that another one has", "POST", "", hook("taken"), 409, "duplicate_endpoint", "with this URL"},
			{"a change to an address that another one has", "PATCH", second,
				object{"endpoint_url": "https://orbit.invalid/taken"}, 409, "duplicate_endpoint", "with this URL"},
			{"an unknown status", "PATCH", second, object{"status": "paused"}, 422, "", "enabled"},
			{"a member that cannot be set", "PATCH", second, object{"secret": "whsec_x"}, 422, "", "secret"},
			{"a replay of nothing", "POST", second + "/replay", object{}, 422, "", "event_id"},
			{"a replay of too much", "POST", second + "/replay",
				object{"event_id": model.EventPrefix.ID(model.NewID()), "failed": true}, 422, "", "alone"},
			{"a replay of an event that is not there", "POST", second + "/replay",
				object{"event_id": model.EventPrefix.ID(model.NewID())}, 404, "entity_not_found", "no event"},
			{"a replay of no time", "POST", second + "/replay", object{"range_start": "yesterday"}, 422, "",
				"not a time"},
			{"a replay that ends before it begins", "POST", second + "/replay",
				object{"range_start": "2026-02-01", "range_end": "2026-01-01"}, 422, "", "after range_start"},
			{"a replay of a time without deliveries", "POST", second + "/replay",
				object{"range_start": "2026-01-01"}, 404, "entity_not_found", "no such delivery"},
			{"deliveries of an unknown state", "GET", second + "/deliveries?state=lost", nil, 422, "", "pending"},
		} {
			path := test.path
			if path == "" {
				path = "/webhook_endpoints"
			}
			status, _, o := w.send(test.method, path, test.body)
			if status != test.status || test.code != "" && o.text("code") != test.code ||
				!strings.Contains(fmt.Sprint(o), test.says) {
				t.Errorf("%s: %d %v", test.name, status, o)
			}
		}
		if ids := w.get("/webhook_endpoints").ids(); len(ids) != 2 {
			t.Errorf("refused calls left %v", ids)
		}
	})
}

// Addresses that are refused are looked up, and never connected to.
func TestWebhookAddresses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for _, address := range []string{
			"http://orbit.invalid/hook", "ftp://orbit.invalid/", "orbit.invalid/hook", "https:///hook", "https://",
			"https://user:password@orbit.invalid/", "https://orbit.invalid/#fragment", "https://orbit.invalid:22/",
			"https://orbit.invalid:6379/", "https://[::1]/", "https://10.1.2.3/",
			"https://192.168.1.1:8443/", "https://169.254.169.254/latest/meta-data", "https://100.64.0.1/",
			"https://[fd00:ec2::254]/", "https://[::ffff:a00:1]/", "https://[64:ff9b::7f00:1]/",
			"https://[2002:7f00:1::]/",
			"https://168.63.129.16/", "https://0.0.0.0/", "https://[fe80::1]/",
			"https://" + strings.Repeat("a", 2100) + ".invalid/",
		} {
			body := hook("")
			body["endpoint_url"] = address
			status, _, o := w.send("POST", "/webhook_endpoints", body)
			if status != 422 || o.text("code") != "invalid_url" || strings.Contains(o.text("message"), "169.254") &&
				!strings.Contains(address, "169.254") {
				t.Errorf("%.80s: %d %v", address, status, o)
			}
		}
		for i, address := range []string{"https://203.0.113.9/", "https://8.8.8.8/a?b=c", "https://orbit.invalid:8443/",
			"https://[2606:4700::1]/x"} {
			body := hook("")
			body["endpoint_url"] = address
			if status, _, o := w.send("POST", "/webhook_endpoints", body); status != 201 && i > 0 {
				t.Errorf("%s: %d %v", address, status, o)
			}
		}
	})
}

func TestDeliveriesAreListed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		must[bool](t)(webhook.Across(w.store).FanOut(t.Context()))
		e := w.want(201, "POST", "/webhook_endpoints", hook("hook"))
		path := "/webhook_endpoints/" + e.text("id")
		tenant.user(w, "ada@contoso.example")
		tenant.user(w, "bob@contoso.example")
		must[bool](t)(webhook.Across(w.store).FanOut(t.Context()))
		list := w.get(path + "/deliveries?state=pending")
		if ids := list.ids(); len(ids) != 2 || list.text("data.0.event") != "dsync.user.created" ||
			list.text("data.0.state") != "pending" || list.text("data.0.webhook_endpoint_id") != e.text("id") ||
			list.at("data.0.last_error") != nil || list.text("data.0.next_attempt_at") == "" {
			t.Errorf("listed %v", list)
		}
		first := w.get(path + "/deliveries?limit=1")
		if next := w.get(path + "/deliveries?limit=1&after=" + first.text("list_metadata.after")); next.text(
			"data.0.id") == first.text("data.0.id") || len(next.ids()) != 1 {
			t.Errorf("paged %v", next)
		}
		if ids := w.get(path + "/deliveries?state=failed").ids(); len(ids) != 0 {
			t.Errorf("failed are %v", ids)
		}
		event := w.get("/events?events=dsync.user.created&order=desc&limit=1").text("data.0.id")
		o := w.want(202, "POST", path+"/replay", object{"event_id": event})
		if o.at("count") != 1.0 || o.text("object") != "webhook_replay" {
			t.Errorf("replayed %v", o)
		}
	})
}
