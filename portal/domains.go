package portal

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
	"golang.org/x/net/publicsuffix"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/setup"
	"rollcall/web"
)

// domainsState tells how far the proof of the domains is.
func domainsState(f *facts) (state, note string) {
	var verified, pending, failed []string
	for _, d := range f.domains {
		switch d.State {
		case organization.DomainStateVerified:
			verified = append(verified, d.Domain)
		case organization.DomainStatePending:
			pending = append(pending, d.Domain)
		case organization.DomainStateFailed:
			failed = append(failed, d.Domain)
		}
	}
	switch {
	case len(verified) > 0:
		return stateDone, strings.Join(verified, ", ")
	case len(pending) > 0:
		return stateWaiting, "waiting for DNS"
	case len(failed) > 0:
		return stateBroken, "not proven in time"
	}
	return stateOpen, ""
}

// domainsPage is the view of setup_domains.html.
type domainsPage struct {
	frame
	Domains []domainRow
	Entered string // what was entered and refused
}

// domainRow is a domain with its DNS record.
type domainRow struct {
	ID, Domain, State, Chip string
	Name, Short, Value      string // the record's name, without the zone, and its value
	Seen                    string
	CheckedAt, NextAt       *model.Time
	Until                   *model.Time // a pending domain fails, or a verified one is trusted no more
	Proven                  bool        // by DNS, and looked at again each week
	Removable               bool
}

// The words for the states of a domain, with the chip of each.
var domainStates = map[organization.DomainState][2]string{
	organization.DomainStatePending:  {"wait", "Waiting"},
	organization.DomainStateVerified: {"ok", "Verified"},
	organization.DomainStateFailed:   {"bad", "Failed"},
}

// findings are what was seen at the last look for the record.
var findings = map[organization.DomainFinding]string{
	organization.DomainRecordFound:   "The record is there.",
	organization.DomainRecordMissing: "There was no TXT record with this value.",
	organization.DomainRecordAlias: "The record was found through a CNAME only, at a name that may belong to " +
		"somebody " +
		"else. Make a TXT record at this very name.",
	organization.DomainRecordUnknown: "DNS did not answer, or its servers disagree. It is asked again by itself.",
}

func rowOf(d *organization.Domain) domainRow {
	detail := d.DetailedForm().Rollcall
	r := domainRow{ID: model.OrganizationDomainPrefix.ID(d.ID), Domain: d.Domain, Name: detail.RecordName,
		Value: detail.RecordValue, CheckedAt: d.CheckedAt, NextAt: d.NextCheckAt, Until: d.PendingUntil,
		Proven: d.VerificationStrategy == "dns", Removable: d.State != organization.DomainStateVerified}
	words := domainStates[d.State]
	r.Chip, r.State = words[0], words[1]
	if detail.Finding != nil {
		r.Seen = findings[organization.DomainFinding(*detail.Finding)]
	}
	if zone, err := publicsuffix.EffectiveTLDPlusOne(d.Domain); err == nil {
		r.Short = strings.TrimSuffix(r.Name, "."+zone)
	}
	if d.State == organization.DomainStatePending && d.ProvenAt != nil {
		r.Seen = "The record is there. Somebody else has proven this domain before; it becomes yours after a notice " +
			"of " +
			"seven days."
	}
	if d.State == organization.DomainStateVerified {
		r.Until = detail.TrustedUntil
	}
	return r
}

func (s *Server) domains(c echo.Context, v *visit) error {
	return s.showDomains(c, v, http.StatusOK, func(*domainsPage) {})
}

// showDomains renders the page of the domains after change.
func (s *Server) showDomains(c echo.Context, v *visit, status int, change func(*domainsPage)) error {
	ctx := c.Request().Context()
	var err error
	if v.facts.domains, err = organization.In(v.org).Domains(ctx); err != nil {
		return err
	}
	f, err := s.frame(ctx, v, setup.StepDomains)
	if err != nil {
		return err
	}
	page := domainsPage{frame: f}
	for i := range v.facts.domains {
		page.Domains = append(page.Domains, rowOf(&v.facts.domains[i]))
	}
	change(&page)
	return s.Pages.Render(c, status, "setup_domains", &page)
}

// maxDomains is how many domains an organization has at most by its links: each of them is looked
// up in DNS again and again.
const maxDomains = 50

const (
	maxEntered = 16 << 10 // of a refused form, the longest text in bytes that stays in the field
	maxReasons = 10       // that are shown
)

// addDomains adds the domains of a form. What was refused stays in the field, with the reason.
func (s *Server) addDomains(c echo.Context, v *visit) error {
	sent, err := form(c)
	if err != nil {
		return err
	}
	separates := func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) }
	names := strings.FieldsFunc(sent.Get("domains"), separates)
	switch {
	case len(names) == 0:
		return s.refuseDomains(c, v, nil, []string{"enter at least one domain, such as contoso.com"})
	case len(names) > maxDomains:
		return s.refuseDomains(c, v, []string{sent.text("domains")},
			[]string{fmt.Sprintf("enter at most %d domains at once", maxDomains)})
	}
	var refused, reasons []string
	for i, name := range names {
		if len(v.facts.domains)+i-len(refused) >= maxDomains {
			refused = append(refused, name)
			reasons = append(reasons, fmt.Sprintf("an organization has at most %d domains", maxDomains))
			continue
		}
		err := v.addDomain(c.Request().Context(), name)
		problem := refusal(err)
		if problem != nil && problem.Kind == model.Conflict { // it is there already
			continue
		}
		if problem == nil && err != nil {
			return err
		}
		if problem != nil {
			refused, reasons = append(refused, name), append(reasons, problem.Message)
		}
	}
	if len(reasons) == 0 {
		return c.Redirect(http.StatusSeeOther, "/setup/domains")
	}
	return s.refuseDomains(c, v, refused, reasons)
}

// addDomain adds a domain. People paste addresses and links, too. What is no name of a domain costs
// no transaction.
func (v *visit) addDomain(ctx context.Context, entered string) error {
	bare := strings.TrimPrefix(strings.TrimPrefix(entered, "https://"), "http://")
	bare = strings.TrimSuffix(bare[strings.LastIndex(bare, "@")+1:], "/")
	if _, err := model.FoldDomain(bare); err != nil {
		return err
	}
	_, err := organization.In(v.org).CreateDomain(ctx, bare, organization.DomainStatePending)
	return err
}

// refuseDomains shows what of a form was refused, and why.
func (s *Server) refuseDomains(c echo.Context, v *visit, refused, reasons []string) error {
	slices.Sort(reasons)
	reasons = slices.Compact(reasons)
	if more := len(reasons) - maxReasons; more > 0 {
		reasons = append(reasons[:maxReasons], fmt.Sprintf("and %d more", more))
	}
	return s.showDomains(c, v, http.StatusBadRequest, func(p *domainsPage) {
		if entered := strings.Join(refused, "\n"); len(entered) <= maxEntered {
			p.Entered = entered
		}
		p.Problems = web.Problems{"domains": strings.Join(reasons, "; ")}
	})
}

// domainID reads the id of the path.
func domainID(c echo.Context) (string, error) {
	id, ok := model.OrganizationDomainPrefix.Parse(c.Param("id"))
	if !ok {
		return "", model.NotFoundf("This domain is not there any more. Open the page of the domains again.")
	}
	return id, nil
}

// checkDomain looks for the record of a domain now.
func (s *Server) checkDomain(c echo.Context, v *visit) error {
	id, err := domainID(c)
	if err != nil {
		return err
	}
	d, err := s.Domains.Check(c.Request().Context(), organization.In(v.org), id)
	problem := refusal(err)
	if problem == nil && err != nil {
		return err
	}
	if problem != nil {
		return s.showDomains(c, v, web.Status(problem.Kind), func(p *domainsPage) { p.Problem = problem.Message })
	}
	if d.State == organization.DomainStateVerified {
		return c.Redirect(http.StatusSeeOther, "/setup/domains#"+c.Param("id"))
	}
	return s.showDomains(c, v, http.StatusOK, func(p *domainsPage) {
		p.Problem = "The domain " + d.Domain + " is not proven yet. " + cmp.Or(findings[d.Finding],
			"DNS was not asked.") +
			" New records often take minutes to appear, sometimes hours; it is looked for again by itself."
	})
}

// removeDomain removes a domain that is not verified. Taking a verified one away would keep people
// out who sign in by it.
func (s *Server) removeDomain(c echo.Context, v *visit) error {
	ctx := c.Request().Context()
	id, err := domainID(c)
	if err != nil {
		return err
	}
	d, err := organization.In(v.org).Domain(ctx, id)
	if err != nil {
		return err
	}
	if d.State == organization.DomainStateVerified {
		return s.showDomains(c, v, http.StatusConflict, func(p *domainsPage) {
			p.Problem = "The domain " + d.Domain + " is verified, and people may sign in by it. Ask whoever sent " +
				"you this link to remove it."
		})
	}
	if err := organization.In(v.org).DeleteDomain(ctx, id); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/setup/domains")
}
