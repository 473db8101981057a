package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// floor is the simplest server that can do the work. It executes one statement for each request,
// and has no rules, no organizations and no events.
type floor struct{ db *pgxpool.Pool }

// floorSchema has the indexes that the requests need, and the constraints that keep it consistent.
const floorSchema = `
CREATE TABLE users (
	id text PRIMARY KEY, tenant text NOT NULL, user_name text NOT NULL, active boolean NOT NULL,
	version bigint NOT NULL, document text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (tenant, user_name)
);
CREATE INDEX users_tenant ON users (tenant, id);
CREATE TABLE groups (
	id text PRIMARY KEY, tenant text NOT NULL, display_name text NOT NULL, version bigint NOT NULL
);
CREATE TABLE members (
	group_id text NOT NULL REFERENCES groups (id), user_id text NOT NULL REFERENCES users (id),
	PRIMARY KEY (group_id, user_id)
);
CREATE INDEX members_user ON members (user_id);`

const tenant = "the-only-one"

// handler returns the routes of the floor.
func (f *floor) handler() http.Handler {
	m := http.NewServeMux()
	handle := func(pattern string, h func(w http.ResponseWriter, r *http.Request) error) {
		m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	m.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	handle("POST /Users", f.create)
	handle("GET /Users", f.list)
	handle("PATCH /Users/{id}", f.activate)
	handle("PATCH /Groups/{id}", f.add)
	handle("GET /Groups/{id}", f.group)
	return m
}

// respond writes a response.
func respond(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", "application/scim+json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// appendUser appends a user: the stored document with the attributes that the server sets.
func appendUser(b []byte, id string, active bool, version int64, document string, created time.Time) []byte {
	b = append(append(append(b, `{"id":"`...), id...), `","active":`...)
	b = append(strconv.AppendBool(b, active), `,"meta":{"resourceType":"User","created":"`...)
	b = append(created.AppendFormat(b, time.RFC3339), `","location":"http://localhost/Users/`...)
	b = append(append(b, id...), `","version":"W/\"`...)
	b = append(strconv.AppendInt(b, version, 10), `\""},`...)
	return append(b, document[1:]...)
}

// create answers POST /Users.
func (f *floor) create(w http.ResponseWriter, r *http.Request) error {
	var document json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&document); err != nil {
		return err
	}
	var known struct {
		UserName string
		Active   bool
	}
	if err := json.Unmarshal(document, &known); err != nil {
		return err
	}
	id, now := uuid.Must(uuid.NewV7()).String(), time.Now()
	_, err := f.db.Exec(r.Context(),
		`INSERT INTO users (id, tenant, user_name, active, version, document, created_at)
			VALUES ($1, $2, $3, $4, 1, $5, $6)`,
		id, tenant, strings.ToLower(known.UserName), known.Active, string(document), now)
	if err != nil {
		return err
	}
	return respond(w, http.StatusCreated, appendUser(nil, id, known.Active, 1, string(document), now))
}

// selectUsers executes the statement for a list of users. Its last column is the total of the list.
func (f *floor) selectUsers(r *http.Request) (pgx.Rows, error) {
	q := r.URL.Query()
	const columns = "SELECT id, active, version, document, created_at, "
	if name, found := strings.CutPrefix(q.Get("filter"), `userName eq "`); found {
		return f.db.Query(r.Context(), columns+"1 FROM users WHERE tenant = $1 AND user_name = $2",
			tenant, strings.ToLower(strings.TrimSuffix(name, `"`)))
	}
	if after := q.Get("cursor"); after != "" {
		return f.db.Query(r.Context(), columns+"0 FROM users WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3",
			tenant, after, q.Get("count"))
	}
	from, err := strconv.Atoi(q.Get("startIndex"))
	if err != nil {
		return nil, err
	}
	return f.db.Query(r.Context(), columns+`(SELECT count(*) FROM users WHERE tenant = $1)
		FROM users WHERE tenant = $1 ORDER BY id LIMIT $2 OFFSET $3`, tenant, q.Get("count"), from-1)
}

// list answers GET /Users.
func (f *floor) list(w http.ResponseWriter, r *http.Request) error {
	rows, err := f.selectUsers(r)
	if err != nil {
		return err
	}
	b, n, total := []byte(nil), 0, int64(0)
	for rows.Next() {
		var id, document string
		var active bool
		var version int64
		var created time.Time
		if err := rows.Scan(&id, &active, &version, &document, &created, &total); err != nil {
			return err
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = appendUser(b, id, active, version, document, created)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	b = append(fmt.Appendf(nil, `{"totalResults":%d,"itemsPerPage":%d,"Resources":[`, total, n), b...)
	return respond(w, http.StatusOK, append(b, "]}"...))
}

// patchRequest has the parts of a PATCH that the floor reads.
type patchRequest struct {
	Operations []struct{ Value json.RawMessage }
}

// activate answers PATCH /Users/{id}, which sets active.
func (f *floor) activate(w http.ResponseWriter, r *http.Request) error {
	var p patchRequest
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		return err
	}
	id, active := r.PathValue("id"), string(p.Operations[0].Value) == "true"
	var version int64
	var document string
	var created time.Time
	err := f.db.QueryRow(r.Context(), `UPDATE users SET active = $1, version = version + 1
		WHERE tenant = $2 AND id = $3 RETURNING version, document, created_at`,
		active, tenant, id).Scan(&version, &document, &created)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, appendUser(nil, id, active, version, document, created))
}

// add answers PATCH /Groups/{id}, which adds one member.
func (f *floor) add(w http.ResponseWriter, r *http.Request) error {
	var p patchRequest
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		return err
	}
	var members []struct{ Value string }
	if err := json.Unmarshal(p.Operations[0].Value, &members); err != nil {
		return err
	}
	_, err := f.db.Exec(r.Context(), "INSERT INTO members (group_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
		r.PathValue("id"), members[0].Value)
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// group answers GET /Groups/{id}, with or without its members.
func (f *floor) group(w http.ResponseWriter, r *http.Request) error {
	id, name := r.PathValue("id"), ""
	if r.URL.Query().Get("excludedAttributes") == "members" {
		row := f.db.QueryRow(r.Context(), "SELECT display_name FROM groups WHERE tenant = $1 AND id = $2", tenant, id)
		if err := row.Scan(&name); err != nil {
			return err
		}
		return respond(w, http.StatusOK, fmt.Appendf(nil, `{"id":%q,"displayName":%q}`, id, name))
	}
	rows, err := f.db.Query(r.Context(), `SELECT g.display_name, u.id, u.user_name
		FROM groups g JOIN members m ON m.group_id = g.id JOIN users u ON u.id = m.user_id
		WHERE g.tenant = $1 AND g.id = $2`, tenant, id)
	if err != nil {
		return err
	}
	var b []byte
	for rows.Next() {
		var member, display string
		if err := rows.Scan(&name, &member, &display); err != nil {
			return err
		}
		if b != nil {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"value":"`...), member...), `","$ref":"http://localhost/Users/`...)
		b = append(append(append(b, member...), `","type":"User","display":`...), strconv.Quote(display)...)
		b = append(b, '}')
	}
	if err := rows.Err(); err != nil {
		return err
	}
	b = append(fmt.Appendf(nil, `{"id":%q,"displayName":%q,"members":[`, id, name), b...)
	return respond(w, http.StatusOK, append(b, "]}"...))
}
