package directory_test

import (
	"fmt"
	"slices"
	"strconv"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/people"
	"rollcall/model/signon"
)

// The steps of a history of TestOneStatementDoesWhatATransactionDoes.

func (h *history) pick(texts ...string) string { return texts[h.random.IntN(len(texts))] }

// any is an id of the list, or sometimes none that there is.
func (h *history) any(ids []string) string {
	if len(ids) == 0 || h.random.IntN(25) == 0 {
		return h.pick("00000000-0000-7000-8000-000000000000", "nobody", "\x00")
	}
	return ids[h.random.IntN(len(ids))]
}

// document is one of a person. There are few names and addresses, so that they meet.
func (h *history) document() map[string]any {
	d := map[string]any{
		"userName": fmt.Sprint(h.pick("ada", "ADA", "ben", "eve", "Ünal", "straße", "max"), h.random.IntN(4)),
		"emails": []any{map[string]any{"type": "home", "value": "home@northwind.example"}, map[string]any{
			"type": h.pick("work", "home"), "primary": h.random.IntN(2) == 0,
			"value": h.pick(fmt.Sprint("p", h.random.IntN(9), "@northwind.example"), "q@elsewhere.example", "",
				"no address")}},
		"name": map[string]any{"familyName": h.pick("É", "e\u0301", "<&>\u2028", "")},
	}
	switch h.random.IntN(8) {
	case 0:
		d["active"] = false
	case 1:
		d["externalId"] = h.pick("x1", "x2")
	case 2:
		d["title"] = "a\x00b"
	case 3:
		d["displayName"] = h.pick("Ada", "Eve")
	}
	return d
}

// step is one request of many kinds.
func (h *history) step() {
	switch n := h.random.IntN(30); {
	case n < 5:
		h.create(h.D)
	case n < 7:
		h.create(h.other)
	case n < 10:
		h.change(h.any(h.users))
	case n < 14:
		h.change(h.any(h.busy))
	case n < 16:
		h.changeGroup(h.any(h.groups))
	case n < 17:
		document := map[string]any{"displayName": fmt.Sprint("G", h.random.IntN(4))}
		g, err := directory.Of(h.Org, h.D.ID).CreateGroup(h.Context(), document, nil)
		h.note("create a group", answerOf(err))
		if err == nil {
			h.groups = append(h.groups, g.ID)
		}
	case n < 18:
		id := h.any(append(slices.Clone(h.users), h.busy...))
		h.note("delete", id, answerOf(directory.Of(h.Org, h.D.ID).DeleteUser(h.Context(), id)))
	case n < 23:
		h.enter(h.any(h.users))
	default:
		h.operator(h.any(h.users))
	}
}

func (h *history) create(d *directory.Directory) {
	document := h.document()
	u, err := directory.Of(h.Org, d.ID).CreateUser(h.Context(), document)
	h.note("create", document, answerOf(err))
	if err == nil {
		h.users = append(h.users, u.ID)
		h.noteUser(u)
	}
}

// noteUser notes a user as it was answered.
func (h *history) noteUser(u *people.User) {
	if u.Groups != nil {
		groups, err := people.In(h.Org).GroupsOf(h.Context(), u.ID)
		if err != nil || len(groups[u.ID]) != len(u.Groups) {
			h.Errorf("user %s is answered with groups %v, and has %v: %v", u.ID, u.Groups, groups, err)
		}
	}
	h.note("  =", u.Active, u.InactiveReason, u.Role, u.Epoch, u.ProfileIDs, u.Version, u.UserName, u.Email,
		u.ExternalID, u.DisplayName, u.CreatedAt, u.UpdatedAt, u.Document)
}

// change is a directory's change of a user.
func (h *history) change(id string) {
	what := h.pick("off", "off", "off", "on", "on", "document", "name", "email", "fewer emails", "title", "nothing",
		"version")
	other := h.document()
	before, _ := people.In(h.Org).User(h.Context(), id)
	u, err := directory.Of(h.Org, h.D.ID).UpdateUser(h.Context(), id, func(u *people.UserDraft) error {
		d, err := u.DocumentMap()
		if err != nil {
			return err
		}
		switch what {
		case "off", "on":
			u.Active = what == "on"
		case "document":
			d = other
		case "name":
			d["userName"] = other["userName"]
		case "email":
			d["emails"] = other["emails"]
		case "fewer emails":
			delete(d, "emails")
		case "title":
			d["title"] = "Chief"
		case "version":
			if u.Version() != 2 {
				return model.Conflictf("version", "it is %d", u.Version())
			}
			u.Active = !u.Active
		}
		return u.SetDocument(d)
	})
	h.note("change", id, what, other, answerOf(err))
	if err == nil {
		changed := u.Version == before.Version+1 && u.UpdatedAt == model.TimeOf(h.clock.Now())
		if same := u.Version == before.Version && u.UpdatedAt == before.UpdatedAt; !changed && !same {
			h.Errorf("version %d of %v became %d of %v", before.Version, before.UpdatedAt, u.Version, u.UpdatedAt)
		}
		h.noteUser(u)
	}
}

func (h *history) changeGroup(id string) {
	name := h.pick("", "", "", "G1")
	ops := []directory.MembersOp{directory.AddMembers, directory.AddMembers, directory.AddMembers,
		directory.ReplaceMembers, directory.RemoveMembers}
	op := ops[h.random.IntN(len(ops))]
	member := h.any(append(slices.Clone(h.users), h.groups...))
	g, err := directory.Of(h.Org, h.D.ID).UpdateGroup(h.Context(), id, func(g *directory.GroupDraft) error {
		if name == "" {
			return nil
		}
		return g.SetDocument(map[string]any{"displayName": name})
	}, directory.MembersChange{Op: op, UserIDs: []string{member}})
	h.note("change group", id, name, op, member, answerOf(err))
	if err == nil {
		h.note("  =", g.Version, g.DisplayName, g.Document, g.CreatedAt, g.UpdatedAt)
	}
}

// enter signs a user in to an application, which exchanges one code and keeps another.
func (h *history) enter(id string) {
	u, err := people.In(h.Org).User(h.Context(), id)
	if err != nil {
		h.note("enter", id, model.KindOf(err))
		return
	}
	subject := "subject of user " + strconv.Itoa(slices.Index(h.users, id))
	if len(u.ProfileIDs) == 0 {
		_, err = people.In(h.Org).LinkIdentity(h.Context(),
			people.Identity{ConnectionID: h.C.ID, Issuer: "https://idp.example", Subject: subject, UserID: id})
		h.note("link", id, answerOf(err))
	}
	l := storetest.Begin(h.T, h.Org, h.C)
	l.ApplicationID = &h.application.ID
	out, err := signon.In(h.Org).SignIn(h.Context(), storetest.Response(h.C, l, storetest.ClaimsOf(subject, u.Email)))
	h.note("enter", id, answerOf(err))
	if err != nil {
		return
	}
	o := openedAt{session: out.SessionToken}
	var in *signon.SignedIn
	code := signon.Redemption{ApplicationID: h.application.ID, Code: out.Code}
	if in, o.token, err = signon.Across(h.S).RedeemCode(h.Context(), code); err == nil {
		o.code, err = signon.In(h.Org).HandOver(h.Context(), in,
			signon.CodeRequest{ApplicationID: h.application.ID, RedirectURI: storetest.Callback})
	}
	h.note("  =", answerOf(err))
	h.opened, h.busy = append(h.opened, o), append(h.busy, id)
}

// operator does what no directory does: its people and roles are in the way of the directory's.
func (h *history) operator(id string) {
	ctx := h.Context()
	var err error
	what := h.pick("create", "admin", "admin", "admin", "member", "revoke", "confirm", "link", "link", "delete")
	switch what {
	case "create":
		var u *people.User
		document := storetest.WithAddress(fmt.Sprint(h.pick("ada", "ben", "own"), h.random.IntN(4)), "",
			fmt.Sprint("p", h.random.IntN(9), "@northwind.example"))
		document["active"] = h.random.IntN(3) > 0
		u, err = people.In(h.Org).CreateUser(ctx, document)
		if err == nil {
			h.users = append(h.users, u.ID)
		}
	case "admin":
		_, err = people.In(h.Org).SetRole(ctx, id, people.Admin)
	case "member":
		_, err = people.In(h.Org).SetRole(ctx, id, people.Member)
	case "revoke":
		_, err = people.In(h.Org).RevokeSessions(ctx, id)
	case "confirm":
		_, err = people.In(h.Org).ConfirmAdoption(ctx, id)
	case "link":
		var token string
		if _, err = people.In(h.Org).SetRole(ctx, id, people.Admin); err == nil {
			_, token, err = people.In(h.Org).CreatePasswordSetup(ctx, id)
		}
		if err == nil {
			h.links, h.busy = append(h.links, token), append(h.busy, id)
		}
	case "delete":
		err = directory.In(h.Org).DeleteUser(ctx, id)
	}
	h.note("operator:", what, id, answerOf(err))
}
