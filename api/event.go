package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"rollcall/model"
	"rollcall/model/store"
	"rollcall/model/webhook"
)

const (
	// mostWait is the longest that a call waits for an event: proxies keep silent connections for
	// half a minute.
	mostWait = 20 * time.Second
	// lookEvery is the pause between two looks for an event.
	lookEvery = 250 * time.Millisecond
)

// wait reads how many seconds a call waits.
func (p *params) wait(name string) time.Duration {
	text := p.text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > int(mostWait/time.Second) {
		p.fail(name, "%s is a number of seconds from 0 to %d", name, int(mostWait/time.Second))
	}
	return time.Duration(n) * time.Second
}

// await reads events, and waits for one where there is none.
func (s *Server) await(c *call, q store.EventQuery, wait time.Duration) ([]model.Event, model.PageInfo, error) {
	ctx, end := context.WithTimeout(c.ctx(), wait)
	defer end()
	for {
		events, info, err := s.Store.Events(c.ctx(), c.key.scope, q)
		if err != nil || len(events) > 0 || wait == 0 {
			return events, info, err
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return events, info, nil
		}
		if err := c.again(); err != nil { // the key may have been deleted meanwhile
			return nil, info, err
		}
	}
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
	wait := p.wait("wait")
	if wait > 0 && (page.Cursor() == "" || !page.Ascending || page.Before != "") {
		p.fail("wait", "wait is for what comes after an event: send after, without before, in the order asc")
	}
	if err := p.err(); err != nil {
		return err
	}
	events, info, err := s.await(c, q, wait)
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
