package api

import (
	"errors"
	"net/http"

	"rollcall/model"
	"rollcall/model/store"
	"rollcall/model/webhook"
)

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
	return answerList(c, page, forms(events, webhook.EventForm), info)
}
