package api

import (
	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/web"
)

// page is the part of a list that a call asks for.
type page struct {
	model.Page
	kind     model.Prefix
	reversed bool // the meanings of before and after are exchanged
}

// listObject is the reference's envelope of a list.
type listObject[O any] struct {
	Object       string       `json:"object"`
	Data         []O          `json:"data"`
	ListMetadata listMetadata `json:"list_metadata"`
}

// listMetadata holds the cursors of the previous and the next page. A cursor is null where there is
// no such page.
type listMetadata struct {
	Before *string `json:"before"`
	After  *string `json:"after"`
}

func (p page) metadata(info model.PageInfo) listMetadata {
	m := listMetadata{p.cursor(info.Before), p.cursor(info.After)}
	if p.reversed {
		m.Before, m.After = m.After, m.Before
	}
	return m
}

func (p page) cursor(id string) *string {
	if id == "" {
		return nil
	}
	out := p.kind.ID(id)
	return &out
}

// answerList answers with a page of a list.
func answerList[O any](c *call, p page, objects []O, info model.PageInfo) error {
	return c.answer(200, listObject[O]{"list", objects, p.metadata(info)})
}

// forms returns the public forms of rows. The result is never nil, because an empty list is [] and
// not null.
func forms[T, O any](rows []T, form func(*T) O) []O {
	out := make([]O, len(rows))
	for i := range rows {
		out[i] = form(&rows[i])
	}
	return out
}

// answer writes JSON as JSON.stringify does, what was stored as JSON included. The reference's SDKs
// verify the signature of an event over their own JSON.stringify of it.
func (c *call) answer(status int, object any) error {
	text, err := web.Stringify(object)
	if err != nil {
		return err
	}
	return c.Blob(status, echo.MIMEApplicationJSON, append(text, '\n'))
}
