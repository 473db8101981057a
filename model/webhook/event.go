package webhook

import (
	"encoding/json"
	"strings"

	"rollcall/model"
)

// EventObject is the public form of an event, as the API and webhooks show it: the reference's
// event.
type EventObject struct {
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

// EventForm returns the object that the API and webhooks show.
func EventForm(e *model.Event) EventObject {
	return EventObject{"event", model.EventPrefix.ID(e.ID), e.Type, json.RawMessage(e.Data), e.CreatedAt,
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
