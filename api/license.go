package api

import (
	"net/http"

	"rollcall/model"
	"rollcall/model/entitle"
)

func (s *Server) listLicenses(c *call) error {
	org, p, page, err := c.ownedList(model.LicensePrefix)
	if err != nil {
		return err
	}
	q := entitle.LicenseQuery{Page: page.Page, State: entitle.LicenseState(p.text("state"))}
	if q.State != "" && q.State != entitle.LicenseStateGranted && q.State != entitle.LicenseStateWaiting {
		p.fail("state", "state is %q or %q", entitle.LicenseStateGranted, entitle.LicenseStateWaiting)
	}
	q.UserID, q.AccountID = p.cursor("user_id", model.UserPrefix), p.cursor("account_id", model.AccountPrefix)
	if err := p.err(); err != nil {
		return err
	}
	ls, info, err := entitle.In(org).Licenses(c.ctx(), q)
	if err != nil {
		return err
	}
	return answerList(c, page, forms(ls, (*entitle.License).PublicForm), info)
}

func (s *Server) license(c *call) error {
	org, id, err := c.named(model.LicensePrefix)
	if err != nil {
		return err
	}
	l, err := entitle.In(org).License(c.ctx(), id)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, l.PublicForm())
}

func (s *Server) assignLicense(c *call) error {
	body, err := decode[struct {
		UserID    string `json:"user_id"`
		AccountID string `json:"account_id"`
	}](c)
	if err != nil {
		return err
	}
	if err := required("user_id", body.UserID); err != nil {
		return err
	}
	if err := required("account_id", body.AccountID); err != nil {
		return err
	}
	org, user, err := c.owner(model.UserPrefix, body.UserID)
	if err != nil {
		return err
	}
	accounts, err := accountIDs("account_id", []string{body.AccountID})
	if err != nil {
		return err
	}
	l, err := entitle.In(org).AssignLicense(c.ctx(), user, accounts[0])
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, l.PublicForm())
}

func (s *Server) unassignLicense(c *call) error {
	org, id, err := c.named(model.LicensePrefix)
	if err != nil {
		return err
	}
	if err := entitle.In(org).UnassignLicense(c.ctx(), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
