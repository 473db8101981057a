package console

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
)

// perPage is how many rows a list of the console has.
const perPage = 50

// homePage is the view of console_home.html.
type homePage struct {
	page
	Organizations []customer
	Next          string // the cursor of the next page, with older organizations; empty on the last page
}

type customer struct{ ID, Name string }

func (s *Server) home(c echo.Context, op *operator.Operator) error {
	after, err := cursor(c, model.OrganizationPrefix)
	if err != nil {
		return err
	}
	found, info, err := organization.Across(s.Store).Organizations(c.Request().Context(), model.Everywhere(),
		organization.OrganizationQuery{Page: model.Page{After: after, Limit: perPage}})
	if err != nil {
		return err
	}
	view := homePage{page: pageOf(op, "/console")}
	for _, o := range found {
		view.Organizations = append(view.Organizations, customer{model.OrganizationPrefix.ID(string(o.ID)), o.Name})
	}
	if info.After != "" {
		view.Next = model.OrganizationPrefix.ID(info.After)
	}
	return s.Pages.Render(c, http.StatusOK, "console_home", view)
}

// waitingPage is the view of console_waiting.html.
type waitingPage struct {
	page
	Organization customer
	Accounts     []entitle.Account
	Waiting      []waiting
	Next         string
}

// waiting is a user who waits for a seat.
type waiting struct {
	Email, Account string
	Since          model.Time
}

// waiting shows an organization's accounts and the users who wait for a seat in them, the oldest
// licenses first.
func (s *Server) waiting(c echo.Context, op *operator.Operator) error {
	ctx := c.Request().Context()
	id, _ := model.OrganizationPrefix.Parse(c.Param("id"))
	org := s.Store.Org(model.OrganizationID(id), model.Actor("operator:"+op.ID))
	o, err := organization.In(org).Organization(ctx)
	if err != nil {
		return err
	}
	after, err := cursor(c, model.LicensePrefix)
	if err != nil {
		return err
	}
	view := waitingPage{page: pageOf(op, "/console"), Organization: customer{c.Param("id"), o.Name}}
	view.Accounts, _, err = entitle.In(org).Accounts(ctx, model.Page{Limit: entitle.MaxAccounts, Ascending: true})
	if err != nil {
		return err
	}
	licenses, info, err := entitle.In(org).Licenses(ctx, entitle.LicenseQuery{
		State: entitle.LicenseStateWaiting,
		Page:  model.Page{After: after, Limit: perPage, Ascending: true},
	})
	if err != nil {
		return err
	}
	if info.After != "" {
		view.Next = model.LicensePrefix.ID(info.After)
	}
	users, err := userLabels(ctx, org, licenses)
	if err != nil {
		return err
	}
	accounts := map[string]string{} // names by id
	for _, a := range view.Accounts {
		accounts[a.ID] = a.Name
	}
	for _, l := range licenses {
		view.Waiting = append(view.Waiting,
			waiting{users[l.UserID], accounts[l.AccountID], l.Since})
	}
	return s.Pages.Render(c, http.StatusOK, "console_waiting", view)
}

// userLabels returns the e-mail addresses of the users of some licenses by user id. A user without
// an address has the user name instead.
func userLabels(ctx context.Context, org *store.Org, licenses []entitle.License) (map[string]string, error) {
	ids := []string{}
	for _, l := range licenses {
		ids = append(ids, l.UserID)
	}
	users, _, err := people.In(org).Users(ctx, people.UserQuery{IDs: ids, Page: model.Page{Limit: perPage}})
	if err != nil {
		return nil, err
	}
	labels := map[string]string{}
	for _, u := range users {
		labels[u.ID] = u.Email
		if u.Email == "" {
			labels[u.ID] = u.UserName
		}
	}
	return labels, nil
}

// cursor reads the id after which a page of a list begins.
func cursor(c echo.Context, kind model.Prefix) (string, error) {
	after := c.QueryParam("after")
	if after == "" {
		return "", nil
	}
	id, ok := kind.Parse(after)
	if !ok {
		return "", model.Invalidf("after", "the page is addressed wrongly: go back and follow the link again")
	}
	return id, nil
}
