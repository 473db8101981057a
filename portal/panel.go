package portal

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"rollcall/guide"
	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/requestlog"
)

// panel is what a directory has received.
type panel struct {
	People, Left, Groups int64
	Refused              int // of the last requests
	Checks               []check
	Lines                []line
}

// check is something that must have been seen before provisioning can be trusted.
type check struct{ Chip, Word, What, Note string }

// line is a SCIM request with its meaning in words.
type line struct {
	At                         model.Time
	Request, Chip, Answer, Say string
}

// The results of a check.
func seen(what, note string) check     { return check{"ok", "Seen", what, note} }
func waitsFor(what, note string) check { return check{"wait", "Not yet", what, note} }
func looks(what, note string) check    { return check{"warn", "Look", what, note} }

// panelOf reads what a directory has received.
func (s *Server) panelOf(
	ctx context.Context, v *visit, d *directory.Directory, p *guide.Provider,
) (panel, error) {
	counts, err := directory.Of(v.org, d.ID).Counts(ctx)
	if err != nil {
		return panel{}, err
	}
	out := panel{People: counts.ActiveUsers, Left: counts.InactiveUsers, Groups: counts.Groups}
	rs, err := s.requests(ctx, v, d)
	if err != nil {
		return panel{}, err
	}
	for i := range rs {
		l := lineOf(&rs[i])
		if rs[i].Status >= 400 && rs[i].Status != http.StatusNotFound {
			out.Refused++
		}
		out.Lines = append(out.Lines, l)
	}
	some, _, err := people.In(v.org).Users(ctx, people.UserQuery{DirectoryID: d.ID,
		Page: model.Page{Limit: panelLines}})
	if err != nil {
		return panel{}, err
	}
	out.Checks = checksOf(v.facts, d, p, counts, some, rs)
	return out, nil
}

// checksOf tells what was seen of a directory. some are the people who came last.
func checksOf(f *facts, d *directory.Directory, p *guide.Provider, counts directory.DirectoryCounts,
	some []people.User, rs []requestlog.Request) []check {
	var checks []check
	if d.State == directory.DirectoryLinked {
		checks = append(checks, seen("The identity provider reached the directory", ""))
	} else {
		checks = append(checks, waitsFor("The identity provider reached the directory",
			"Enter the base URL and the token there, and test the connection."))
	}
	if len(some) == 0 {
		checks = append(checks, waitsFor("A person arrived", "Assign your test person. "+waitingOf(p)),
			waitsFor("E-mail addresses are under a verified domain", ""), waitsFor("Each person has an id that stays",
				""))
	} else {
		checks = append(checks, seen("A person arrived", fmt.Sprintf("%d active so far", counts.ActiveUsers)),
			addressCheck(f, some), idCheck(d, some))
	}
	if counts.Groups > 0 {
		checks = append(checks, seen("A group arrived", fmt.Sprintf("%d so far", counts.Groups)))
	} else {
		checks = append(checks, waitsFor("A group arrived", "Needed only if groups shall decide who may do what."))
	}
	return append(checks, leavingCheck(p, some, rs))
}

// waitingOf says how long a change takes at an identity provider.
func waitingOf(p *guide.Provider) string {
	if p.Provisioning == nil {
		return ""
	}
	return p.Provisioning.Waiting
}

// addressCheck looks at the addresses of the people who came last.
func addressCheck(f *facts, some []people.User) check {
	const what = "E-mail addresses are under a verified domain"
	outside := 0
	for _, u := range some {
		if !organization.UnderVerified(f.domains, u.EmailDomain) {
			outside++
		}
	}
	if outside == 0 {
		return seen(what, "")
	}
	return looks(what, fmt.Sprintf("%d of the last %d people have no address under a verified domain: their sign-in "+
		"is found by their id alone. Verify the domain, or have their e-mail address sent.", outside, len(some)))
}

// idCheck looks at the externalId of the people who came last, which sign-on recognizes them by.
func idCheck(d *directory.Directory, some []people.User) check {
	const what = "Each person has an id that stays"
	for _, u := range some {
		switch {
		case u.ExternalID == "":
			return looks(what, "Somebody has no externalId. Without it a person is recognized by userName or address, "+
				"which may change.")
		case d.Type == directory.EntraDirectory && !isGUID(u.ExternalID):
			return looks(what, "externalId is no object id. In Attribute mapping change its source from "+
				"mailNickname to "+
				"objectId: another person may have the same mailNickname one day.")
		case d.Type == directory.OktaDirectory && !strings.HasPrefix(u.ExternalID, "00u"):
			return looks(what, "externalId is not Okta's user id, which begins with 00u.")
		}
	}
	return seen(what, "")
}

// isGUID tells whether a text is an id of Entra ID.
func isGUID(text string) bool { return model.IsID(strings.ToLower(text)) }

// leavingCheck looks for somebody who left, which most identity providers do not send before it is
// switched on.
func leavingCheck(p *guide.Provider, some []people.User, rs []requestlog.Request) check {
	const what = "Leaving was seen"
	for _, r := range rs {
		if r.Method == http.MethodDelete && r.Path == "/Users/:id" && r.Status < 300 {
			return seen(what, "Somebody was deleted at "+r.CreatedAt.Time().Format("15:04:05 UTC")+
				", and their access ended at once.")
		}
	}
	for _, u := range some {
		if !u.Active {
			return seen(what, "Access of "+u.UserName+" ended at "+u.UpdatedAt.Time().Format("15:04:05 UTC, 2 "+
				"January")+".")
		}
	}
	note := "Unassign your test person."
	if p.Provisioning != nil {
		note = p.Provisioning.Leaving
	}
	return waitsFor(what, note+" Then reload this page.")
}

// lineOf says what a request means.
func lineOf(r *requestlog.Request) line {
	l := line{At: r.CreatedAt, Request: r.Method + " " + r.Path, Chip: "ok", Answer: fmt.Sprint(r.Status)}
	if r.Filter != "" {
		l.Request += "?filter=" + r.Filter
	}
	switch {
	case r.Status >= 500:
		l.Chip, l.Say = "bad", "This server could not do it. It is tried again."
	case r.Status == http.StatusTooManyRequests:
		l.Chip, l.Say = "warn", "Too many requests at once. The identity provider sends it again."
	case r.Status == http.StatusConflict:
		l.Chip, l.Say = "bad", "Somebody or something of that name is there already. Rename one, or match them at the "+
			"identity provider."
	case r.Status == http.StatusNotFound:
		l.Chip, l.Say = "info", "What was asked for is not there. Identity providers look before they create."
	case r.Status >= 400:
		l.Chip, l.Say = "bad", "Refused: "+r.Detail
	default:
		l.Say = meaningOf(r)
	}
	return l
}

// kinds are what a resource is called, by the first segment of the path.
var kinds = map[string][2]string{"/Users": {"person", "people"}, "/Groups": {"group", "groups"}}

// meaningOf says what a request did that was answered.
func meaningOf(r *requestlog.Request) string {
	resource, rest, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
	kind, ok := kinds["/"+resource]
	if !ok {
		return "It asked what this server can do."
	}
	switch r.Method {
	case http.MethodPost:
		if rest != "" {
			return "It looked for a " + kind[0] + "."
		}
		return "A " + kind[0] + " arrived."
	case http.MethodPut, http.MethodPatch:
		return "A " + kind[0] + " was changed."
	case http.MethodDelete:
		return "A " + kind[0] + " was removed."
	}
	switch {
	case r.Filter != "":
		return "It looked for a " + kind[0] + "."
	case rest == "":
		return "It listed " + kind[1] + "."
	}
	return "It read a " + kind[0] + "."
}
