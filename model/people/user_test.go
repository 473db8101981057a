package people_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

func TestCreateDirectoryUser(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		t.Run("what is created is stored as it is returned, with its event", func(t *testing.T) {
			var u *people.User
			got := storetest.NewEvents(t, s, org, func() { u = storetest.CreateUser(t, org, d, "Ada@Contoso.example") })
			if diff := cmp.Diff(u, storetest.Stored(t, org, u.ID)); diff != "" {
				t.Error(diff)
			}
			if u.Role != people.Member || !u.Active || u.Version != 1 || u.Epoch != 1 || *u.DirectoryID != d.ID ||
				u.OrganizationID != org.ID {
				t.Errorf("%+v", u)
			}
			if u.UserName != "Ada@Contoso.example" || u.UserNameFolded != "ada@contoso.example" ||
				u.EmailDomain != "contoso.example" {
				t.Errorf("%+v", u)
			}
			if diff := cmp.Diff([]model.EventType{people.DirectoryUserCreated}, got); diff != "" {
				t.Error(diff)
			}
		})
		for outcome, names := range map[string][2]string{
			"in another case":                   {"grace@contoso.example", "GRACE@contoso.example"},
			"decomposed":                        {"Jos\u00e9", "Jose\u0301"},
			"with a sharp s and its capital":    {"Stra\u00dfe", "STRA\u1e9eE"},
			"with a sharp s written as two":     {"Ma\u00df", "MASS"},
			"with a Kelvin sign":                {"\u212aelvin", "kelvin"},
			"with a dotted capital I":           {"\u0130stanbul", "i\u0307stanbul"},
			"with the letters of another plane": {"\U00010400", "\U00010428"},
		} {
			t.Run("a userName that differs only "+outcome+" is taken", func(t *testing.T) {
				storetest.CreateUser(t, org, d, names[0])
				storetest.Unchanged(t, s, func() {
					_, err := directory.Of(org, d.ID).CreateUser(t.Context(), storetest.Person(names[1]))
					storetest.WantKind(t, err, model.Conflict, "userName")
				})
			})
		}
		t.Run("a dotless i is another letter", func(t *testing.T) {
			storetest.CreateUser(t, org, d, "I")
			storetest.CreateUser(t, org, d, "\u0131")
		})
		t.Run("a userName of another directory is taken, and the error does not say by which", func(t *testing.T) {
			other := storetest.Directory(t, org)
			_, err := directory.Of(org, other.ID).CreateUser(t.Context(),
				storetest.Person("grace@contoso.example"))
			storetest.WantKind(t, err, model.Conflict, "userName")
			if strings.Contains(err.Error(), d.ID) || strings.Contains(err.Error(), model.DirectoryPrefix.ID(d.ID)) {
				t.Error(err)
			}
		})
		t.Run("in another organization it is free", func(t *testing.T) {
			org, d := storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
			storetest.CreateUser(t, org, d, "grace@contoso.example")
		})
		t.Run("one who begins inactive has the reason", func(t *testing.T) {
			document := storetest.Person("alan@contoso.example")
			document["active"] = false
			u, err := directory.Of(org, d.ID).CreateUser(t.Context(), document)
			if err != nil || u.Active || u.InactiveReason != people.Deprovisioned {
				t.Errorf("%+v %v", u, err)
			}
		})
		t.Run("in a directory that has gone it is refused as that, and not as a userName that is taken",
			func(t *testing.T) {
				gone := storetest.Directory(t, org)
				storetest.Must(t, directory.In(org).DeleteDirectory(t.Context(), gone.ID))
				storetest.Unchanged(t, s, func() {
					_, err := directory.Of(org, gone.ID).CreateUser(t.Context(),
						storetest.Person("new@contoso.example"))
					storetest.WantKind(t, err, model.Conflict, "")
				})
			})
		t.Run("the same user sent twice at once is created once, and once a conflict", func(t *testing.T) {
			for i := range 5 {
				errs := make([]error, 4)
				var wait sync.WaitGroup
				for n := range errs {
					wait.Go(func() {
						_, errs[n] = directory.Of(org, d.ID).CreateUser(t.Context(),
							storetest.Person(fmt.Sprint("twin-", i)))
					})
				}
				wait.Wait()
				created := 0
				for _, err := range errs {
					if err == nil {
						created++
					} else {
						storetest.WantKind(t, err, model.Conflict, "userName")
					}
				}
				if created != 1 {
					t.Errorf("%d were created", created)
				}
			}
		})
	})
}

func TestUserDocumentRules(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1025)
	value := func(attribute, text string) map[string]any {
		d := storetest.Person("ada@contoso.example")
		d[attribute] = []any{map[string]any{"value": text}}
		return d
	}
	text := func(attribute, text string) map[string]any {
		d := storetest.Person("ada@contoso.example")
		d[attribute] = text
		return d
	}
	many := make([]any, 1001)
	for i := range many {
		many[i] = map[string]any{"value": fmt.Sprint("ada-", i, "@contoso.example")}
	}
	for outcome, c := range map[string]struct {
		document map[string]any
		field    string
	}{
		"a missing userName":            {map[string]any{"displayName": "Ada"}, "userName"},
		"a blank userName":              {map[string]any{"userName": " \t"}, "userName"},
		"a userName beyond the index":   {text("userName", long), "userName"},
		"a userName that folds longer":  {text("userName", strings.Repeat("\u0390", 200)), "userName"},
		"an externalId beyond it":       {text("externalId", long), "externalId"},
		"a displayName beyond it":       {text("displayName", long), "displayName"},
		"an e-mail beyond it":           {value("emails", long), "emails"},
		"a userName with U+0000":        {text("userName", "a\x00b"), "userName"},
		"an externalId with U+0000":     {text("externalId", "a\x00b"), "externalId"},
		"an e-mail with U+0000":         {value("emails", "a\x00b"), "emails"},
		"a userName that is a number":   {map[string]any{"userName": 7}, "userName"},
		"e-mails that are a text":       {text("emails", "ada@contoso.example"), "emails"},
		"a name that is a list":         {map[string]any{"userName": "a", "name": []any{}}, "name"},
		"more e-mails than anybody has": {map[string]any{"userName": "a", "active": true, "emails": many}, "emails"},
	} {
		t.Run(outcome+" is refused by name and changes nothing", func(t *testing.T) {
			u := &people.User{UserName: "before", Document: `{"userName":"before"}`}
			err := u.SetDocument(c.document)
			storetest.WantKind(t, err, model.Invalid, c.field)
			var e *model.Error
			if errors.As(err, &e); strings.Contains(e.Message, "Go ") || strings.Contains(e.Message, "json:") {
				t.Errorf("the message speaks of the program: %s", e.Message)
			}
			if diff := cmp.Diff(&people.User{UserName: "before", Document: `{"userName":"before"}`}, u); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a document that is too large is refused, unless it shrinks one that is larger still", func(t *testing.T) {
		const documentLimit = 64 << 10
		sized := func(n int) map[string]any {
			return map[string]any{"userName": "a", "title": strings.Repeat("x", n)}
		}
		u := &people.User{}
		storetest.Must(t, u.SetDocument(sized(documentLimit-100)))
		storetest.WantKind(t, u.SetDocument(sized(documentLimit)), model.TooLarge)
		u.Document = `{"title":"` + strings.Repeat("x", documentLimit+100) + `","userName":"a"}`
		storetest.Must(t, u.SetDocument(sized(documentLimit)))
	})
	t.Run("the longest values and unusual ones are stored", func(t *testing.T) {
		modeltest.Each(t, func(t *testing.T, s *store.Store) {
			org, d := storetest.Contoso(t, s)
			long := strings.Repeat("\u00e9", 512)
			document := map[string]any{
				"userName": long, "externalId": long, "displayName": long,
				"title": "U+0000 is \x00, U+2028 is \u2028, quotes are '\"\\",
				"emails": []any{map[string]any{"value": long}, map[string]any{"value": long},
					map[string]any{"type": "work"}, map[string]any{"display": "none"}},
				"phoneNumbers": []any{map[string]any{"value": "1", "type": "work"},
					map[string]any{"value": "1", "type": "work"}},
			}
			u, err := directory.Of(org, d.ID).CreateUser(t.Context(), document)
			storetest.Must(t, err)
			if diff := cmp.Diff(u, storetest.Stored(t, org, u.ID)); diff != "" {
				t.Error(diff)
			}
			kept, err := storetest.Stored(t, org, u.ID).DocumentMap()
			storetest.Must(t, err)
			if diff := cmp.Diff(document, kept); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("what has a column or is secret is not in the document", func(t *testing.T) {
		u := &people.User{}
		storetest.Must(t, u.SetDocument(map[string]any{"userName": "a", "password": "hunter2", "id": "1", "meta": 1,
			"schemas": 1, "groups": 1, "active": true}))
		if u.Document != `{"userName":"a"}` || !u.Active {
			t.Errorf("%+v", u)
		}
	})
	t.Run("the e-mail is the primary one, else that of work, else the first, else the userName", func(t *testing.T) {
		mail := func(value, kind string, primary bool) any {
			return map[string]any{"value": value, "type": kind, "primary": primary}
		}
		for want, emails := range map[string][]any{
			"p@x.example": {mail("w@x.example", "work", false), mail("p@x.example", "home", true)},
			"w@x.example": {mail("h@x.example", "home", false), mail("w@x.example", "WORK", false)},
			"h@x.example": {mail("", "work", true), mail("h@x.example", "home", false)},
			"u@x.example": {},
		} {
			u := &people.User{}
			storetest.Must(t, u.SetDocument(map[string]any{"userName": "u@x.example", "emails": emails}))
			if u.Email != want || u.EmailFolded != want || u.EmailDomain != "x.example" {
				t.Errorf("the e-mail is %q, want %q", u.Email, want)
			}
		}
	})
}

func TestUpdateDirectoryUser(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		u := storetest.CreateUser(t, org, d, "ada@contoso.example")
		t.Run("a change that alters nothing writes nothing and keeps the version", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				same, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID,
					func(u *people.UserDraft) error {
						u.Active = true
						return u.SetDocument(storetest.Person("ada@contoso.example"))
					})
				storetest.Must(t, err)
				same.Groups = nil
				if diff := cmp.Diff(u, same); diff != "" {
					t.Error(diff)
				}
			})
		})
		t.Run("a change can set nothing but Active and the document", func(t *testing.T) {
			var fields, methods []string
			draft := reflect.TypeFor[*people.UserDraft]()
			for _, f := range reflect.VisibleFields(draft.Elem()) {
				if f.IsExported() {
					fields = append(fields, f.Name)
				}
			}
			for i := range draft.NumMethod() {
				methods = append(methods, draft.Method(i).Name)
			}
			want := [][]string{{"Active"}, {"DocumentMap", "SetDocument", "Version"}}
			if diff := cmp.Diff(want, [][]string{fields, methods}); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("an error of the change undoes it", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				boom := errors.New("boom")
				_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID,
					func(u *people.UserDraft) error { u.Active = false; return boom })
				if !errors.Is(err, boom) {
					t.Error(err)
				}
			})
		})
		t.Run("columns and looked-up values follow the document", func(t *testing.T) {
			next := storetest.Person("Lovelace@contoso.example")
			next["emails"] = []any{map[string]any{"value": "new@contoso.example", "type": "work"}}
			delete(next, "externalId")
			var after *people.User
			got := storetest.NewEvents(t, s, org, func() {
				var err error
				after, err = directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID,
					func(u *people.UserDraft) error { return u.SetDocument(next) })
				storetest.Must(t, err)
			})
			if diff := cmp.Diff([]model.EventType{people.DirectoryUserUpdated}, got); diff != "" {
				t.Error(diff)
			}
			after.Groups = nil
			if diff := cmp.Diff(after, storetest.Stored(t, org, u.ID)); diff != "" {
				t.Error(diff)
			}
			if after.Version != u.Version+1 || after.ExternalID != "" ||
				after.UserNameFolded != "lovelace@contoso.example" || after.Epoch != u.Epoch {
				t.Errorf("%+v", after)
			}
			for text, want := range map[string]int{
				`emails eq "ada@contoso.example"`: 0, `emails eq "new@contoso.example"`: 1,
				`userName eq "ada@contoso.example"`:     0,
				`externalId eq "x-ada@contoso.example"`: 0, `userName eq "LOVELACE@contoso.example"`: 1,
			} {
				if found := storetest.Filtered(t, org, d.ID, text, false); len(found) != want {
					t.Errorf("%s finds %v", text, found)
				}
			}
		})
		t.Run("a userName of somebody else is refused", func(t *testing.T) {
			storetest.CreateUser(t, org, d, "grace@contoso.example")
			storetest.Unchanged(t, s, func() {
				_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID,
					func(u *people.UserDraft) error { return u.SetDocument(storetest.Person("Grace@contoso.example")) })
				storetest.WantKind(t, err, model.Conflict, "userName")
			})
		})
		t.Run("an event tells what it was before", func(t *testing.T) {
			storetest.Deactivate(t, org, d, u)
			all := storetest.Events(t, s, org)
			data := all[len(all)-2].Data
			if !strings.Contains(data, `"state":"inactive"`) ||
				!strings.Contains(data, `"previous_attributes":{"state":"active"}`) {
				t.Error(data)
			}
		})
	})
}
