package people_test

import (
	"encoding/json"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// Whoever came by a directory leaves with it, and whoever signed in by a connection is signed out
// with it. An application hears of each person, and by the id under which it knows them.
func TestEveryoneLeavesWithWhatLetThemIn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end    func(t *testing.T, h storetest.House)
		active bool
		reason people.EndingReason
	}{
		"the directory": {func(t *testing.T, h storetest.House) {
			storetest.Must(t, directory.In(h.Org).DeleteDirectory(t.Context(), h.D.ID))
		}, false, people.EndedDirectoryDeleted},
		"the connection": {func(t *testing.T, h storetest.House) {
			storetest.Must(t, connection.In(h.Org).DeleteConnection(t.Context(), h.C.ID))
		}, true, people.EndedConnectionChanged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modeltest.Each(t, func(t *testing.T, s *store.Store) {
				h := storetest.Open(t, s, "contoso")
				in := []storetest.Opened{h.SignOn(t, "ada"), h.SignOn(t, "grace"), h.SignOn(t, "alan")}
				before := len(storetest.Events(t, s, h.Org))
				epochs := map[string]int64{}
				for _, o := range in {
					epochs[o.User.ID] = storetest.Stored(t, h.Org, o.User.ID).Epoch
				}
				c.end(t, h)
				told := map[string]bool{}
				for _, e := range storetest.Events(t, s, h.Org)[before:] {
					if e.Type != people.UserAccessEnded {
						continue
					}
					var data struct {
						UserID          string  `json:"user_id"`
						DirectoryUserID *string `json:"directory_user_id"`
						Reason          people.EndingReason
					}
					storetest.Must(t, json.Unmarshal([]byte(e.Data), &data))
					told[data.UserID] = data.Reason == c.reason && (data.DirectoryUserID != nil || !c.active)
				}
				for _, o := range in {
					u := storetest.Stored(t, h.Org, o.User.ID)
					if u.Active != c.active || u.Epoch == epochs[u.ID] || !told[publicID(u)] {
						t.Errorf("%+v, told %t", u, told[publicID(u)])
					}
					o.Dead(t, s)
				}
			})
		})
	}
}

// publicID is the public id of a user.
func publicID(u *people.User) string { return model.UserPrefix.ID(u.ID) }
