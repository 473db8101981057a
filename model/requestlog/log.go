package requestlog

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/worker"
)

// Log keeps the SCIM requests of directories in memory until Run writes them, each second in
// one statement: no request waits for its line. A crash loses the lines of the last second. Where
// the database is too slow, the log drops the oldest lines, reads before others, and the server's
// log has their number.
type Log struct {
	store   Store
	mu      sync.Mutex
	rows    []Request
	dropped int
}

const (
	// flushEvery is the pause between two flushes.
	flushEvery = time.Second
	// pendingRequests is the most lines in memory: about 4 MiB.
	pendingRequests = 8192
	// longestText is the most bytes of one text of a line.
	longestText = 500
)

// New returns the request log of a store.
func New(s Store) *Log { return &Log{store: s} }

// Add adds a request with a new id and the current time. It never waits for the database.
func (l *Log) Add(r Request) {
	r.ID, r.CreatedAt = model.NewID(), model.TimeOf(l.store.Now())
	if r.ResourceID != "" && !model.IsID(r.ResourceID) {
		r.ResourceID = Redacted // ids are made here: any other text may be a person's name
	}
	for _, text := range []*string{&r.Method, &r.Filter, &r.Detail} {
		*text = strings.ReplaceAll(*text, "\x00", Redacted)
		if len(*text) > longestText {
			*text = strings.ToValidUTF8((*text)[:longestText], "") + Redacted
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keep([]Request{r})
}

// keep adds rows, and drops what trim drops. The caller holds mu.
func (l *Log) keep(rows []Request) {
	l.rows = append(l.rows, rows...)
	n := len(l.rows)
	l.rows = trim(l.rows)
	l.dropped += n - len(l.rows)
}

// Run writes the lines each second until ctx ends. After an error it tries again with the next
// lines. RunOnce writes the lines that are left when the server ends.
func (l *Log) Run(ctx context.Context) error {
	round := func(ctx context.Context) (more bool, err error) {
		_, err = l.RunOnce(ctx)
		return false, err
	}
	return worker.Every(ctx, flushEvery, tenant.Log(l.store), "request log not written", round)
}

// RunOnce writes the lines that are in memory, and returns how many.
func (l *Log) RunOnce(ctx context.Context) (n int, err error) {
	l.mu.Lock()
	rows, dropped := l.rows, l.dropped
	l.rows, l.dropped = nil, 0
	l.mu.Unlock()
	if dropped > 0 {
		tenant.Log(l.store).WarnContext(ctx, "lines of the request log dropped", "count", dropped)
	}
	if len(rows) == 0 {
		return 0, nil
	}
	if err := l.store.writeRequests(ctx, rows); err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		since := l.rows
		l.rows = nil
		l.keep(rows)
		l.keep(since)
		return 0, err
	}
	return len(rows), nil
}

// requestLine is a row in the JSON that the database reads.
type requestLine struct {
	*Request
	At int64 `json:"created_at"`
}

// requestColumns are the columns of directory_requests, in the order of the statements below.
const requestColumns = `id, organization_id, directory_id, method, path, resource_id, filter, status, scim_type, detail,
	duration, token_id, token_name, token_suffix, request_id, created_at`

// writeRequests writes any number of rows in one statement. Each row has its own organization. It
// leaves out the rows of a directory that was deleted meanwhile.
func (s Store) writeRequests(ctx context.Context, rows []Request) error {
	lines := make([]requestLine, len(rows))
	for i := range rows {
		lines[i] = requestLine{&rows[i], int64(rows[i].CreatedAt)}
	}
	text, err := json.Marshal(lines)
	if err != nil {
		return fmt.Errorf("encode requests: %w", err)
	}
	from := `json_to_recordset(?::json) AS r(id text, organization_id text, directory_id text, method text, path text,
		resource_id text, filter text, status bigint, scim_type text, detail text, duration bigint, token_id text,
		token_name text, token_suffix text, request_id text, created_at bigint)`
	if tenant.DialectOf(s) == tenant.SqliteDialect {
		var fields []string
		separates := func(c rune) bool { return strings.ContainsRune(", \t\n", c) }
		for column := range strings.FieldsFuncSeq(requestColumns, separates) {
			fields = append(fields, `value ->> '`+column+`' AS `+column)
		}
		from = `(SELECT ` + strings.Join(fields, ", ") + ` FROM json_each(?)) AS r`
	}
	err = across.DB(ctx, s).Exec(`INSERT INTO directory_requests (`+requestColumns+`)
		SELECT `+requestColumns+` FROM `+from+`
		WHERE EXISTS (SELECT 1 FROM directories AS d
			WHERE d.organization_id = r.organization_id AND d.id = r.directory_id)
		ON CONFLICT DO NOTHING`, string(text)).Error
	if err != nil {
		return tenant.Translate(s, fmt.Errorf("write requests: %w", err))
	}
	return nil
}
