package api

import (
	"errors"
	"net/http"

	"rollcall/model"
	"rollcall/model/webhook"
)

// webhookRoutes are the routes of webhook endpoints. The calls on one endpoint beyond changing and
// deleting it are ours.
func (s *Server) webhookRoutes() []route {
	return []route{
		{http.MethodGet, "/webhook_endpoints", s.listWebhookEndpoints},
		{http.MethodPost, "/webhook_endpoints", s.createWebhookEndpoint},
		{http.MethodGet, "/webhook_endpoints/:id", s.webhookEndpoint},
		{http.MethodPatch, "/webhook_endpoints/:id", s.updateWebhookEndpoint},
		{http.MethodDelete, "/webhook_endpoints/:id", bodiless(s.deleteWebhookEndpoint)},
		{http.MethodGet, "/webhook_endpoints/:id/deliveries", s.listDeliveries},
		{http.MethodPost, "/webhook_endpoints/:id/replay", s.replayDeliveries},
		{http.MethodPost, "/webhook_endpoints/:id/rotate_secret", bodiless(s.rotateWebhookSecret)},
		{http.MethodPost, "/webhook_endpoints/:id/rotate_secret/finish", bodiless(s.finishWebhookRotation)},
	}
}

// webhookEndpointObject is the reference's WebhookEndpointJson, which always has the secret.
type webhookEndpointObject struct {
	Object      string            `json:"object"`
	ID          string            `json:"id"`
	EndpointURL string            `json:"endpoint_url"`
	Secret      string            `json:"secret"`
	Status      webhook.Status    `json:"status"`
	Events      []model.EventType `json:"events"`
	Rollcall    webhookState      `json:"rollcall"`
	CreatedAt   model.Time        `json:"created_at"`
	UpdatedAt   model.Time        `json:"updated_at"`
}

// webhookState is what the reference has no member for.
type webhookState struct {
	FailingSince   *model.Time `json:"failing_since"`
	NextProbeAt    *model.Time `json:"next_probe_at"`
	DisabledReason *string     `json:"disabled_reason"`
	OldSecret      *string     `json:"old_secret"`
	RotatedAt      *model.Time `json:"rotated_at"`
}

func (s *Server) webhookEndpointForm(e *webhook.Endpoint) (webhookEndpointObject, error) {
	secrets, err := webhook.Across(s.Store).Secrets(e)
	o := webhookEndpointObject{
		Object: "webhook_endpoint", ID: webhook.EndpointPrefix.ID(e.ID), EndpointURL: e.URL,
		Secret: secrets.Current, Status: e.Status, Events: e.Events,
		Rollcall:  webhookState{FailingSince: e.FailingSince, DisabledReason: model.OrNull(e.DisabledReason)},
		CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
	if secrets.Old != "" {
		o.Rollcall.OldSecret, o.Rollcall.RotatedAt = &secrets.Old, e.RotatedAt
	}
	if e.FailingSince != nil {
		o.Rollcall.NextProbeAt = &e.ProbeAt
	}
	return o, err
}

// answerWebhookEndpoint answers with one endpoint, unless there was an error.
func (s *Server) answerWebhookEndpoint(c *call, status int, e *webhook.Endpoint, err error) error {
	if err != nil {
		return webhookError(err)
	}
	o, err := s.webhookEndpointForm(e)
	if err != nil {
		return err
	}
	return c.answer(status, o)
}

// webhookError gives the errors about the address of an endpoint the codes of the reference.
func webhookError(err error) error {
	switch {
	case errors.Is(err, webhook.ErrTaken):
		return &coded{http.StatusConflict, "duplicate_endpoint", err}
	case fieldOf(err) == "endpoint_url" && model.KindOf(err) == model.Invalid:
		return &coded{http.StatusUnprocessableEntity, "invalid_url", err}
	}
	return err
}

// webhookEndpointBody is what POST and PATCH take.
type webhookEndpointBody struct {
	EndpointURL *string         `json:"endpoint_url"`
	Events      *[]string       `json:"events"`
	Status      *webhook.Status `json:"status"`
}

// apply changes the members that were sent.
func (s *Server) apply(c *call, b *webhookEndpointBody, f *webhook.Fields) error {
	set(&f.Status, b.Status)
	if b.Events != nil {
		p := c.params()
		f.Events = p.knownEvents("events", "unknown_event_type", *b.Events)
		if err := p.err(); err != nil {
			return err
		}
	}
	if b.EndpointURL == nil || *b.EndpointURL == f.URL {
		return nil
	}
	f.URL = *b.EndpointURL
	if s.Outbound == nil {
		return nil
	}
	err := s.Outbound.CheckWebhook(c.ctx(), f.URL)
	if known, ok := errors.AsType[*model.Error](err); ok {
		return &model.Error{Kind: model.Invalid, Field: "endpoint_url", Message: known.Message, Err: err}
	}
	return err
}

func (s *Server) listWebhookEndpoints(c *call) error {
	p := c.params()
	page := p.page(webhook.EndpointPrefix, "desc")
	if err := p.err(); err != nil {
		return err
	}
	es, info, err := webhook.Across(s.Store).Endpoints(c.ctx(), c.key.scope, page.Page)
	if err != nil {
		return err
	}
	objects := make([]webhookEndpointObject, len(es))
	for i := range es {
		if objects[i], err = s.webhookEndpointForm(&es[i]); err != nil {
			return err
		}
	}
	return answerList(c, page, objects, info)
}

func (s *Server) createWebhookEndpoint(c *call) error {
	body, err := decode[webhookEndpointBody](c)
	if err != nil {
		return err
	}
	var f webhook.Fields
	if body.EndpointURL == nil {
		return required("endpoint_url", "")
	}
	if body.Events == nil {
		return required("events", "")
	}
	if err := s.apply(c, &body, &f); err != nil {
		return webhookError(err)
	}
	e, err := webhook.Across(s.Store).Create(c.ctx(), c.key.scope, f)
	return s.answerWebhookEndpoint(c, http.StatusCreated, e, err)
}

// webhookEndpointID returns the stored id of the endpoint that the path names.
func webhookEndpointID(c *call) (string, error) {
	return stored(webhook.EndpointPrefix, c.Param("id"))
}

func (s *Server) webhookEndpoint(c *call) error {
	id, err := webhookEndpointID(c)
	if err != nil {
		return err
	}
	e, err := webhook.Across(s.Store).Endpoint(c.ctx(), c.key.scope, id)
	return s.answerWebhookEndpoint(c, http.StatusOK, e, err)
}

func (s *Server) updateWebhookEndpoint(c *call) error {
	id, err := webhookEndpointID(c)
	if err != nil {
		return err
	}
	body, err := decode[webhookEndpointBody](c)
	if err != nil {
		return err
	}
	before, err := webhook.Across(s.Store).Endpoint(c.ctx(), c.key.scope, id)
	if err != nil {
		return err
	}
	// The names in the address are looked up before the row is locked.
	checked := webhook.Fields{URL: before.URL}
	if err := s.apply(c, &body, &checked); err != nil {
		return webhookError(err)
	}
	e, err := webhook.Across(s.Store).Update(c.ctx(), c.key.scope, id, func(f *webhook.Fields) error {
		set(&f.Status, body.Status)
		set(&f.URL, body.EndpointURL)
		if body.Events != nil {
			f.Events = checked.Events
		}
		return nil
	})
	return s.answerWebhookEndpoint(c, http.StatusOK, e, err)
}

func (s *Server) deleteWebhookEndpoint(c *call) error {
	id, err := webhookEndpointID(c)
	if err != nil {
		return err
	}
	if err := webhook.Across(s.Store).Delete(c.ctx(), c.key.scope, id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) rotateWebhookSecret(c *call) error {
	id, err := webhookEndpointID(c)
	if err != nil {
		return err
	}
	e, err := webhook.Across(s.Store).Rotate(c.ctx(), c.key.scope, id)
	return s.answerWebhookEndpoint(c, http.StatusOK, e, err)
}

func (s *Server) finishWebhookRotation(c *call) error {
	id, err := webhookEndpointID(c)
	if err != nil {
		return err
	}
	e, err := webhook.Across(s.Store).FinishRotation(c.ctx(), c.key.scope, id)
	return s.answerWebhookEndpoint(c, http.StatusOK, e, err)
}

func (s *Server) listDeliveries(c *call) error {
	id, err := webhookEndpointID(c)
	if err != nil {
		return err
	}
	p := c.params()
	page := p.page(webhook.DeliveryPrefix, "desc")
	state := webhook.DeliveryState(p.text("state"))
	switch state {
	case "", webhook.Pending, webhook.Delivered, webhook.Failed:
	default:
		p.fail("state", `state is "pending", "delivered" or "failed"`)
	}
	if err := p.err(); err != nil {
		return err
	}
	ds, info, err := webhook.Across(s.Store).Deliveries(c.ctx(), c.key.scope, id, state, page.Page)
	if err != nil {
		return err
	}
	return answerList(c, page, forms(ds, (*webhook.Delivery).PublicForm), info)
}

// replayBody says what is sent again: one event, or what was sent in a time, or what of it failed.
type replayBody struct {
	EventID    string `json:"event_id"`
	RangeStart string `json:"range_start"`
	RangeEnd   string `json:"range_end"`
	Failed     bool   `json:"failed"`
}

// replayObject says how many deliveries are sent again. HasMore asks for the same call once more,
// after those have been sent.
type replayObject struct {
	Object  string `json:"object"`
	Count   int64  `json:"count"`
	HasMore bool   `json:"has_more"`
}

func (s *Server) replayDeliveries(c *call) error {
	id, err := webhookEndpointID(c)
	if err != nil {
		return err
	}
	body, err := decode[replayBody](c)
	if err != nil {
		return err
	}
	o := replayObject{Object: "webhook_replay"}
	webhooks := webhook.Across(s.Store)
	if body.EventID != "" {
		if body.RangeStart != "" || body.RangeEnd != "" || body.Failed {
			return invalidf("event_id", "send event_id alone, or range_start and range_end, or failed")
		}
		event, err := stored(model.EventPrefix, body.EventID)
		if err != nil {
			return err
		}
		if err := webhooks.ReplayOne(c.ctx(), c.key.scope, id, event); err != nil {
			return err
		}
		o.Count = 1
		return c.answer(http.StatusAccepted, o)
	}
	from, to, err := body.times(model.TimeOf(s.Store.Now()))
	if err != nil {
		return err
	}
	o.Count, o.HasMore, err = webhooks.ReplaySince(c.ctx(), c.key.scope, id, from, to, body.Failed)
	if err != nil {
		return err
	}
	return c.answer(http.StatusAccepted, o)
}

// times reads the range of a replay: without an end until now, and for what failed since ever.
func (b *replayBody) times(now model.Time) (from, to model.Time, err error) {
	to = now + 1
	if b.RangeStart == "" && !b.Failed {
		return 0, 0, &invalid{[]problem{{"event_id", codeRequired,
			"send event_id, or range_start with an optional range_end, or failed: true"}}}
	}
	for _, t := range []struct {
		field, text string
		into        *model.Time
	}{{"range_start", b.RangeStart, &from}, {"range_end", b.RangeEnd, &to}} {
		if t.text == "" {
			continue
		}
		at, problem := parseMoment(t.field, t.text)
		if problem != nil {
			return 0, 0, problem
		}
		*t.into = *at
	}
	if from >= to {
		return 0, 0, invalidf("range_end", "range_end is after range_start")
	}
	return from, to, nil
}
