package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"rollcall/model"
	"rollcall/model/store"
)

// eventObject is the reference's event.
type eventObject struct {
	Object    string          `json:"object"`
	ID        string          `json:"id"`
	Event     model.EventType `json:"event"`
	Data      json.RawMessage `json:"data"`
	CreatedAt model.Time      `json:"created_at"`
	Context   eventContext    `json:"context"`
}

// eventContext is the reference's EventContextDto.
type eventContext struct {
	Actor eventActor `json:"actor"`
}

// eventActor is the reference's EventContextActorDto.
type eventActor struct {
	ID     string  `json:"id"`
	Source string  `json:"source"`
	Name   *string `json:"name"` // always null: the feed has ids only
}

func eventForm(e *model.Event) eventObject {
	return eventObject{"event", model.EventPrefix.ID(e.ID), e.Type, json.RawMessage(e.Data), e.CreatedAt,
		eventContext{actorForm(e.Actor)}}
}

// actorForm converts an actor to the reference's form. The reference has no source for SCIM. An
// actor with an API id is named by that id, any other by its own text, such as operator:bootstrap.
func actorForm(a model.Actor) eventActor {
	kind, id, _ := strings.Cut(string(a), ":")
	switch kind {
	case "application":
		return eventActor{ID: id, Source: "api"}
	case "operator":
		return eventActor{ID: string(a), Source: "api"}
	case "directory", "connection", "user":
		return eventActor{ID: id, Source: "system"}
	}
	return eventActor{ID: string(a), Source: "system"}
}

// feedHeader says "resumed" where the event of the cursor is gone, and some may be read again.
const feedHeader = "Rollcall-Feed"

func (s *Server) listEvents(c *call) error {
	p := c.params()
	page := p.page(model.EventPrefix, "asc")
	q := store.EventQuery{Page: page.Page, From: p.moment("range_start"), To: p.moment("range_end")}
	q.Types = p.eventTypes("events")
	if apiID := p.text("organization_id"); apiID != "" {
		// The organization may have been deleted: its events are kept.
		id, ok := model.OrganizationPrefix.Parse(apiID)
		if !ok {
			p.fail("organization_id", "organization_id is not the id of an organization")
		}
		q.OrganizationID = model.OrganizationID(id)
	}
	if err := p.err(); err != nil {
		return err
	}
	events, info, err := s.Store.Events(c.ctx(), c.key.scope, q)
	if errors.Is(err, model.ErrCursorExpired) {
		return &coded{http.StatusBadRequest, "cursor_expired", err}
	}
	if err != nil {
		return err
	}
	if info.Resumed {
		c.Response().Header().Set(feedHeader, "resumed")
	}
	return answerList(c, page, forms(events, eventForm), info)
}
