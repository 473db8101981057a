package api

import (
	"net/http"

	"rollcall/model"
	"rollcall/model/organization"
)

// domainBody is what POST takes.
type domainBody struct {
	OrganizationID string `json:"organization_id"`
	Domain         string `json:"domain"`
}

func (s *Server) createDomain(c *call) error {
	body, err := decode[domainBody](c)
	if err != nil {
		return err
	}
	if err := required("organization_id", body.OrganizationID); err != nil {
		return err
	}
	org, _, err := c.owner(model.OrganizationPrefix, body.OrganizationID)
	if err != nil {
		return err
	}
	d, err := organization.In(org).CreateDomain(c.ctx(), body.Domain, organization.DomainStatePending)
	if err != nil {
		return domainRefused(err)
	}
	return c.answer(http.StatusCreated, d.DetailedForm())
}

// domainRefused gives a conflict about a domain the code that the reference has for it.
func domainRefused(err error) error {
	if model.KindOf(err) == model.Conflict {
		return &coded{http.StatusConflict, "domain_already_exists", err}
	}
	return err
}

func (s *Server) domain(c *call) error {
	org, id, err := c.named(model.OrganizationDomainPrefix)
	if err != nil {
		return err
	}
	d, err := organization.In(org).Domain(c.ctx(), id)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, d.DetailedForm())
}

// verifyBody is what the operator may send to verify a domain.
type verifyBody struct {
	Force bool `json:"force"` // even if another organization has verified it
}

// verifyDomain checks the domain's DNS record. With the operator's key it verifies the domain
// without a record. In the reference, this call only starts a check, so applications let their
// customers make it. If an application's key were enough to verify without a record, any customer
// could take any domain.
func (s *Server) verifyDomain(c *call) error {
	org, id, err := c.named(model.OrganizationDomainPrefix)
	if err != nil {
		return err
	}
	var body verifyBody
	if c.Request().ContentLength != 0 {
		if body, err = decode[verifyBody](c); err != nil {
			return err
		}
	}
	before, err := organization.In(org).Domain(c.ctx(), id)
	if err != nil {
		return err
	}
	if before.State == organization.DomainStateVerified {
		return &coded{http.StatusBadRequest, "domain_already_verified",
			model.Conflictf("state", "the domain is verified already")}
	}
	var d *organization.Domain
	switch {
	case c.key.operator && body.Force:
		d, err = organization.In(org).ForceDomain(c.ctx(), id)
	case c.key.operator:
		if d, err = organization.In(org).VerifyDomain(c.ctx(), id); model.KindOf(err) == model.Conflict {
			err = domainRefused(model.Conflictf("domain",
				`another organization has this domain verified; send {"force":true} to end that at once`))
		}
	case body.Force:
		return errForce
	default:
		d, err = s.Domains.Check(c.ctx(), organization.In(org), id)
	}
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, d.DetailedForm())
}

func (s *Server) deleteDomain(c *call) error {
	org, id, err := c.named(model.OrganizationDomainPrefix)
	if err != nil {
		return err
	}
	if err := organization.In(org).DeleteDomain(c.ctx(), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
