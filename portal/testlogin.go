package portal

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/guide"
	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/setup"
	"rollcall/model/testlogin"
	"rollcall/trust"
)

func testState(f *facts) (state, note string) {
	c := f.connection()
	switch {
	case c == nil || !c.HasProvider():
		return stateOpen, ""
	case c.TestedAt != nil:
		return stateDone, "it works"
	case f.test == nil:
		return stateOpen, ""
	case f.test.Result == testlogin.Pending:
		return stateWaiting, "nothing has come back yet"
	case f.test.Passed():
		return stateOpen, "changed since the last test"
	}
	return stateBroken, "a login would be refused"
}

// testPage is the view of setup_test.html.
type testPage struct {
	frame
	Connection *connection.Connection
	Provider   *guide.Provider
	Begin      string // the address that begins a test
	Result     *trust.TestResult
	History    []testRow
}

// testRow is an earlier test.
type testRow struct {
	URL, Chip, Word, Reason string
	At                      model.Time
}

// testWords are the words for the results of tests, with the chip of each.
var testWords = map[testlogin.Result][2]string{
	testlogin.Pending: {"wait", "Nothing came back"}, testlogin.Green: {"ok", "It works"},
	testlogin.Amber: {"warn", "It works, look at it"}, testlogin.Red: {"bad", "Refused"},
}

// listedTests is how many tests the page lists.
const listedTests = 10

// test shows how to test the connection, and the newest result.
func (s *Server) test(c echo.Context, v *visit) error {
	ctx := c.Request().Context()
	f, err := s.frame(ctx, v, setup.StepTest)
	if err != nil {
		return err
	}
	page := testPage{frame: f, Connection: v.facts.connection()}
	if page.Connection == nil || !page.Connection.HasProvider() {
		page.Connection = nil
		return s.Pages.Render(c, http.StatusOK, "setup_test", &page)
	}
	page.Provider, _ = v.facts.guide(page.Connection)
	page.Begin = testURL(page.Connection)
	tests, err := testlogin.In(v.org).Tests(ctx, page.Connection.ID, listedTests)
	if err != nil {
		return err
	}
	for i := range tests {
		t := &tests[i]
		if i == 0 {
			result := trust.ExplainTest(t, page.Connection)
			page.Result = &result
		}
		words := testWords[t.Result]
		page.History = append(page.History, testRow{"/setup/tests/" + testlogin.Prefix.ID(t.ID), words[0], words[1],
			t.Reason, t.CreatedAt})
	}
	return s.Pages.Render(c, http.StatusOK, "setup_test", &page)
}

// testURL is the address that begins a test of a connection.
func testURL(c *connection.Connection) string {
	protocol := "saml"
	if c.OIDC() {
		protocol = "oidc"
	}
	return "/sso/" + protocol + "/" + model.ConnectionPrefix.ID(c.ID) + "/test"
}
