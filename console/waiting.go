package console

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/people"
	"rollcall/model/store"
)

// waitingPage is the view of console_waiting.html.
type waitingPage struct {
	organizationPage
	Accounts []entitle.Account
	Waiting  []waiting
	Next     string
}

// waiting is a user who waits for a seat.
type waiting struct {
	Email, Account string
	Since          model.Time
}

// waiting shows an organization's accounts and the users who wait for a seat in them, the oldest
// licenses first.
func (s *Server) waiting(v *visit) error {
	ctx, org := v.Request().Context(), v.org
	after, err := cursor(v, model.LicensePrefix)
	if err != nil {
		return err
	}
	view := waitingPage{organizationPage: v.page("/waiting")}
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
	return s.Pages.Render(v, http.StatusOK, "console_waiting", view)
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
