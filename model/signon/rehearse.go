package signon

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/entitle"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
)

// Rehearsal is what a login would have done.
type Rehearsal struct {
	Claims   Claims   // as they would be kept
	Notes    []string // of the login log
	How      Match
	User     *people.User // as they would be; nil when the login would be refused
	Licenses []string     // the accounts in which the user would have a seat, by their names
	Waiting  []string     // the accounts in which the user would wait for one
	Groups   []string     // the groups of accounts, by their names
}

// errRehearsed undoes a rehearsal.
var errRehearsed = errors.New("the rehearsal is over")

// Rehearse does what SignIn does to find the user and what the user has, as if the connection were
// active, and undoes all of it. The error is a *refusal.Error when the login would be refused. The
// Rehearsal then has the claims only.
func (o Org) Rehearse(ctx context.Context, in SignIn) (*Rehearsal, error) {
	out := &Rehearsal{}
	err := tenant.Again(2, repeatable, func(int) error {
		try := in
		try.Attempt.Notes = slices.Clone(in.Attempt.Notes)
		*out = Rehearsal{}
		err := o.Tx(ctx, func(org Org) error {
			if err := org.rehearse(ctx, &try, out); err != nil {
				return err
			}
			return errRehearsed
		})
		out.Claims, out.Notes = try.Claims, try.Attempt.Notes
		return err
	})
	switch {
	case errors.Is(err, errRehearsed):
		return out, nil
	case model.KindOf(err) == model.Conflict:
		err = errAmbiguous(in.Claims.Email)
	}
	out.User, out.How = nil, ""
	return out, err
}

// rehearse is one try of Rehearse. Its caller undoes it.
func (o Org) rehearse(ctx context.Context, in *SignIn, out *Rehearsal) error {
	c, err := connection.Inside(tenant.Inside(o)).LockConnection(ctx, in.Connection.ID, tenant.ToChange)
	if err != nil {
		return err
	}
	if !c.UnderstoodAs(in.Connection) {
		return &refusal.Error{Reason: refusal.ConnectionReplaced,
			Expected: "a response as the connection is set up now",
			Received: "one that was verified before it was changed"}
	}
	if c.State != connection.ConnectionActive {
		c.State = connection.ConnectionActive
		err := tenant.DB(ctx, o).Model(&connection.Connection{}).Where("id = ?", c.ID).
			UpdateColumn("state", c.State).Error
		if err != nil {
			return fmt.Errorf("rehearse activation: %w", err)
		}
		tenant.RuleInputChanged(o) // the rules are read anew, and are not kept
	}
	g, err := organization.In(o).Organization(ctx)
	if err != nil {
		return err
	}
	found, err := o.findUser(ctx, in, g, c)
	if err != nil {
		return err
	}
	out.User, out.How = found.user, found.how
	return o.belongings(ctx, out)
}

// belongings reads what the user of a rehearsal would have.
func (o Org) belongings(ctx context.Context, out *Rehearsal) error {
	var licenses []struct {
		Name  string
		State entitle.LicenseState
	}
	err := tenant.DB(ctx, o).Model(&entitle.License{}).Select("accounts.name", "licenses.state").
		Joins("JOIN accounts ON accounts.organization_id = licenses.organization_id "+
			"AND accounts.id = licenses.account_id").
		Where("licenses.user_id = ?", out.User.ID).Order("accounts.name").Scan(&licenses).Error
	if err != nil {
		return fmt.Errorf("read licenses: %w", err)
	}
	for _, l := range licenses {
		if l.State == entitle.LicenseStateGranted {
			out.Licenses = append(out.Licenses, l.Name)
		} else {
			out.Waiting = append(out.Waiting, l.Name)
		}
	}
	groups := tenant.DB(ctx, o).Model(&entitle.GroupAssignment{}).Select("group_id").Where("user_id = ?", out.User.ID)
	err = tenant.DB(ctx, o).Model(&entitle.AccountGroup{}).Where("id IN (?)", groups).Order("name").
		Pluck("name", &out.Groups).Error
	if err != nil {
		return fmt.Errorf("read groups: %w", err)
	}
	return nil
}
