package directory_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// PostgreSQL is sent the commonest writes as one statement each, which looks at what the write
// depends on. SQLite has none of that. The same random history must give the same answers and the
// same events on both, leave the same rows, and end the same sessions, codes, tokens, links and
// licenses.
func TestOneStatementDoesWhatATransactionDoes(t *testing.T) {
	const histories, steps = 6, 110
	lived := map[string]int{}
	for seed := range uint64(histories) {
		t.Run(fmt.Sprint("history ", seed), func(t *testing.T) {
			var counter modeltest.Statements
			short := newHistory(t, modeltest.Postgres(t), counter.Options(), seed)
			long := newHistory(t, modeltest.SQLite(t), store.Options{}, seed)
			statements := counter.During(func() { short.live(steps) })
			long.live(steps)
			if diff := cmp.Diff(long.told, short.told); diff != "" {
				t.Errorf("a transaction is -, a statement +:\n%s", diff)
			}
			atOnce := 0
			for _, s := range statements {
				if strings.HasPrefix(s, "WITH ") {
					atOnce++
				}
			}
			if atOnce < steps/8 {
				t.Errorf("%d of %d steps were one statement", atOnce, steps)
			}
			for what, n := range long.lived {
				lived[what] += n
			}
		})
	}
	for what, n := range lived {
		if n < histories {
			t.Errorf("in all histories there was %s %d times", what, n)
		}
	}
}

// history is an organization that lives through random requests, and notes what can be seen of
// them. An id is noted as the number of when it was first seen.
type history struct {
	*testing.T
	storetest.House
	other       *directory.Directory
	application *organization.Application
	clock       *modeltest.Clock
	random      *rand.Rand
	users       []string
	busy        []string // users who signed in, or have a link
	groups      []string
	opened      []openedAt
	links       []string
	seen        map[string]string
	events      int
	told        []string
	lived       map[string]int // how often something was there that can end
}

// openedAt are the secrets of one sign-in.
type openedAt struct{ session, code, token string }

func newHistory(t *testing.T, db modeltest.Database, o store.Options, seed uint64) *history {
	clock := modeltest.NewClock()
	o.Now = clock.Now
	s := modeltest.Open(t, db, o)
	h := &history{T: t, House: storetest.Open(t, s, "northwind"), clock: clock, random: rand.New(rand.NewPCG(seed, 1)),
		seen: map[string]string{}, lived: map[string]int{
			"a session that ended": 0, "a session that lives": 0, "a link that is void": 0, "a license": 0}}
	h.Settings(t, func(s *organization.Settings) { s.AllowAdminPasswords = true })
	h.other, h.application = storetest.Directory(t, h.Org), storetest.Application(t, s)
	h.events = len(storetest.Events(t, s, h.Org))
	return h
}

var (
	// toldEvents are those that follow from a change of a user. Others have secrets of theirs.
	toldEvents = regexp.MustCompile(`^(dsync\.user|dsync\.group|user|license|group)\.|^organization\.without_admin$`)
	byChance   = regexp.MustCompile(`"verification_token":"[A-Z0-9]+"`)
	anyID      = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[a-z_]+_[0-9A-HJKMNP-TV-Z]{26}\b`)
)

func (h *history) note(text ...any) {
	line := fmt.Sprintln(text...)
	for _, id := range anyID.FindAllString(line, -1) {
		if h.seen[id] == "" {
			h.seen[id] = fmt.Sprintf("<%s %d>", id[:strings.LastIndexByte(id, '_')+1], len(h.seen))
		}
	}
	h.told = append(h.told, h.plain(line))
}

// answerOf is an error as an answer tells of it, without what the database said.
func answerOf(err error) string {
	var e *model.Error
	if errors.As(err, &e) {
		return fmt.Sprint(e.Kind, " ", e.Field, " ", e.Message)
	}
	return fmt.Sprint(err)
}

// plain replaces what differs by chance.
func (h *history) plain(text string) string {
	return anyID.ReplaceAllStringFunc(byChance.ReplaceAllString(text, ""), func(id string) string {
		if h.seen[id] == "" {
			return "<unseen>"
		}
		return h.seen[id]
	})
}

// live takes steps, and notes after each its events and what still opens something.
func (h *history) live(steps int) {
	for i := range steps {
		h.clock.Advance(time.Duration(h.random.IntN(3)) * time.Second)
		if i == steps/2 {
			h.note("the other directory's end:", directory.In(h.Org).DeleteDirectory(h.Context(), h.other.ID))
			h.other = storetest.Directory(h.T, h.Org)
		}
		if i == steps*3/4 { // from now on nothing is one statement
			rules := storetest.Suite{House: h.House, Clock: h.clock}
			account := rules.NewAccount(h.T, "Workspace", 3)
			storetest.Must(h.T, entitle.In(h.Org).SetConnectionAccounts(h.Context(), h.C.ID, []string{account.ID}))
			h.note("rules make", rules.Work(h.T), "changes")
		}
		h.step()
		h.noteEvents()
		h.noteOpen()
	}
	h.redeem()
	h.noteRows()
	h.note("the directory's end:", directory.In(h.Org).DeleteDirectory(h.Context(), h.D.ID))
	h.noteEvents()
	h.noteOpen()
	h.noteRows()
}

func (h *history) noteEvents() {
	all := storetest.Events(h.T, h.S, h.Org)
	for _, e := range all[h.events:] {
		if toldEvents.MatchString(string(e.Type)) {
			h.note("  ", e.Type, e.Actor, e.Subject, e.CreatedAt, e.Data)
		}
	}
	h.events = len(all)
}

// noteOpen notes which sessions, tokens and links are still good.
func (h *history) noteOpen() {
	var open []string
	for _, o := range h.opened {
		_, session := signon.Across(h.S).SessionByToken(h.Context(), o.session)
		_, token := signon.Across(h.S).SessionByAccessToken(h.Context(), o.token)
		open = append(open, fmt.Sprint(session == nil, token == nil))
		if session == nil {
			h.lived["a session that lives"]++
		} else {
			h.lived["a session that ended"]++
		}
	}
	for _, token := range h.links {
		u, _, err := people.Across(h.S).PasswordSetup(h.Context(), token)
		if err != nil {
			h.lived["a link that is void"]++
			open = append(open, "void")
			continue
		}
		open = append(open, u.ID)
	}
	h.note("  open:", open)
}

// redeem exchanges the codes that are left.
func (h *history) redeem() {
	for i, o := range h.opened {
		code := signon.Redemption{ApplicationID: h.application.ID, Code: o.code}
		_, _, err := signon.Across(h.S).RedeemCode(h.Context(), code)
		h.note("code", i, model.KindOf(err))
	}
}

// noteRows notes all rows that follow from users, without hashes.
func (h *history) noteRows() {
	for _, table := range []string{"users", "user_values", "directory_groups", "directory_group_members", "identities",
		"tombstones", "tombstone_keys", "sessions", "password_setups", "licenses"} {
		var rows []map[string]any
		db := storetest.Across(h.S, h.Context()).Table(table).Where("organization_id = ?", string(h.Org.ID))
		storetest.Must(h.T, db.Find(&rows).Error)
		var texts []string
		for _, r := range rows {
			for column, v := range r {
				if _, isBytes := v.([]byte); isBytes || column == "document_folded" {
					delete(r, column)
				} else if b, ok := v.(bool); ok { // SQLite has numbers
					r[column] = map[bool]int64{true: 1}[b]
				}
			}
			if table == "licenses" {
				h.lived["a license"]++
			}
			texts = append(texts, h.plain(fmt.Sprint(table, " ", r)))
		}
		slices.Sort(texts)
		h.told = append(h.told, texts...)
	}
}
