package portal

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/setup"
	"rollcall/web"
)

// handed is a link that was made for a colleague.
type handed struct {
	ID, Note, State, Chip string
	Ends                  model.Time
	Open                  bool
	Opened                *model.Time // when somebody began with it first
}

// linkStates are the words for the states of a link, with the chip of each.
var linkStates = map[setup.LinkState][2]string{
	setup.LinkOpen:     {"wait", "Open"},
	setup.LinkExpired:  {"off", "Expired"},
	setup.LinkRevoked:  {"off", "Revoked"},
	setup.LinkFinished: {"ok", "Finished"},
}

// handedFor lists the children of the visitor's link for a step, newest first.
func (s *Server) handedFor(ctx context.Context, v *visit, name setup.StepName) ([]handed, error) {
	children, err := setup.In(v.org).Children(ctx, v.Link.ID)
	if err != nil {
		return nil, err
	}
	var out []handed
	for _, l := range children {
		if !stepOf(name).shows(l.Scopes) {
			continue
		}
		state := l.State(v.facts.now)
		h := handed{ID: setup.LinkPrefix.ID(l.ID), Note: l.Note, Ends: l.ExpiresAt, Open: state == setup.LinkOpen}
		h.Chip, h.State = linkStates[state][0], linkStates[state][1]
		for i := range l.Visits { // newest first
			if l.Visits[i].Redeemed() {
				h.Opened = &l.Visits[i].CreatedAt
			}
		}
		out = append(out, h)
	}
	return out, nil
}

// handedPage is the view of setup_handed.html.
type handedPage struct {
	frame
	URL, Back string
	About     string
	LinkEnds  model.Time
}

// handOn makes a link for one step, and shows it once.
func (s *Server) handOn(c echo.Context, v *visit) error {
	ctx := c.Request().Context()
	sent, err := form(c)
	if err != nil {
		return err
	}
	one := stepOf(setup.StepName(sent.Get("step")))
	if one == nil || len(one.scopes) == 0 || !one.shows(v.Link.Scopes) {
		return model.Invalidf("step", "There is no such step to hand on with this link. Open the page of the step "+
			"again.")
	}
	scopes := slices.DeleteFunc(slices.Clone(one.scopes), func(s setup.Scope) bool { return !v.May(s) })
	l, token, err := setup.In(v.org).HandOn(ctx, v.Link.ID, scopes, sent.text("note"))
	if err != nil {
		return err
	}
	f, err := s.frame(ctx, v, one.name)
	if err != nil {
		return err
	}
	f.Title, f.MayHandOn = "A link for your colleague", false
	return s.Pages.Render(c, http.StatusOK, "setup_handed", &handedPage{frame: f, Back: one.url(), About: one.about,
		URL: strings.TrimSuffix(s.PublicURL, "/") + "/setup/" + token, LinkEnds: l.ExpiresAt})
}

// revokeHanded ends a link that was made for a colleague.
func (s *Server) revokeHanded(c echo.Context, v *visit) error {
	ctx := c.Request().Context()
	id, _ := setup.LinkPrefix.Parse(c.Param("id"))
	l, err := setup.In(v.org).Link(ctx, id)
	if err != nil || l.ParentID == nil || *l.ParentID != v.Link.ID {
		return model.NotFoundf("This link is not one that you handed on.")
	}
	if _, err := setup.In(v.org).RevokeLink(ctx, id); err != nil {
		return err
	}
	for _, one := range steps {
		if len(one.scopes) > 0 && one.shows(l.Scopes) {
			return c.Redirect(http.StatusSeeOther, one.url())
		}
	}
	return c.Redirect(http.StatusSeeOther, "/setup")
}

// summaryState is that of the last page, which is never done by itself.
func summaryState(*facts) (state, note string) { return stateOpen, "" }

// summaryPage is the view of setup_summary.html.
type summaryPage struct {
	frame
	Lines []summaryLine
}

// summaryLine is a step as the summary shows it.
type summaryLine struct {
	web.Step
	Chip, Word string
	DoneAt     *model.Time
}

// stateWords are the words for the states of a step, with the chip of each.
var stateWords = map[string][2]string{
	stateOpen: {"off", "Not begun"}, stateWaiting: {"wait", "Waiting"}, stateDone: {"ok", "Done"},
	stateSkipped: {"off", "Skipped"}, stateBroken: {"bad", "Needs you"},
}

func (s *Server) summary(c echo.Context, v *visit) error {
	f, err := s.frame(c.Request().Context(), v, setup.StepSummary)
	if err != nil {
		return err
	}
	page := summaryPage{frame: f}
	for _, one := range f.Rail {
		if one.Current {
			continue
		}
		line := summaryLine{Step: one, Chip: stateWords[one.State][0], Word: stateWords[one.State][1]}
		line.DoneAt = v.facts.steps[setup.StepName(strings.TrimPrefix(one.URL, "/setup/"))].DoneAt
		page.Lines = append(page.Lines, line)
	}
	return s.Pages.Render(c, http.StatusOK, "setup_summary", &page)
}

// finishPage asks before the link ends.
func (s *Server) finishPage(c echo.Context, v *visit) error {
	f, err := s.frame(c.Request().Context(), v, setup.StepSummary)
	if err != nil {
		return err
	}
	f.Title = "End this link"
	return s.Pages.Render(c, http.StatusOK, "setup_finish", &f)
}

// finish ends the link because all is done.
func (s *Server) finish(c echo.Context, v *visit) error {
	ctx := c.Request().Context()
	l, err := setup.In(v.org).FinishLink(ctx, v.Link.ID)
	if err != nil {
		return err
	}
	known, err := s.siteOf(ctx, l, v.Parent)
	if err != nil {
		return err
	}
	s.setCookie(c, "")
	if l.SuccessURL != "" {
		known.ReturnURL = l.SuccessURL
	}
	return s.Pages.Render(c, http.StatusOK, "setup_ended", endedPage{known, "done"})
}
