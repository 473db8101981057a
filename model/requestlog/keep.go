package requestlog

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// kind says what pushes a line out of the log: only newer lines of its kind. Who reads a directory
// a thousand times hides neither what was changed nor what was refused.
type kind string

const (
	aRead    kind = "read"
	aWrite   kind = "write"
	aRefusal kind = "refusal"
)

const (
	// refusedFrom is the lowest status of a refusal.
	refusedFrom = http.StatusBadRequest
	// searchPath ends the path of a search, which reads although its method is POST.
	searchPath = "/.search"
	// keptTime is how long a line is kept at most.
	keptTime = 30 * 24 * time.Hour
)

// writing are the methods that change something.
var writing = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// kept is how many lines of each kind of a directory a sweep keeps.
var kept = map[kind]int{aRead: 1000, aWrite: 10000, aRefusal: 10000}

// kind returns the kind of a line.
func (r *Request) kind() kind {
	switch {
	case r.Status >= refusedFrom:
		return aRefusal
	case slices.Contains(writing, r.Method) && !strings.HasSuffix(r.Path, searchPath):
		return aWrite
	}
	return aRead
}

// kindSQL is Request.kind in SQL.
var kindSQL = fmt.Sprintf(`CASE WHEN status >= %d THEN '%s'
	WHEN method IN ('%s') AND path NOT LIKE '%%%s' THEN '%s' ELSE '%s' END`,
	refusedFrom, aRefusal, strings.Join(writing, "', '"), searchPath, aWrite, aRead)

// trim returns rows without the oldest, at most pendingRequests of them. Reads go first, then what
// there is too much of: writes and refusals each have half of the room, and what the other leaves.
func trim(rows []Request) []Request {
	over := len(rows) - pendingRequests
	if over <= 0 {
		return rows
	}
	has := map[kind]int{}
	for i := range rows {
		has[rows[i].kind()]++
	}
	const spare = pendingRequests / 8 // the rest does not move with each line
	drop := map[kind]int{aRead: min(has[aRead], max(over, spare))}
	if over > drop[aRead] {
		room := pendingRequests - spare
		refusals := min(has[aRefusal], max(room/2, room-has[aWrite]))
		drop[aRefusal], drop[aWrite] = has[aRefusal]-refusals, max(0, has[aWrite]-(room-refusals))
	}
	return slices.DeleteFunc(rows, func(r Request) bool {
		of := r.kind()
		drop[of]--
		return drop[of] >= 0
	})
}

// lines are the lines of one kind of a directory.
type lines struct {
	of     directory.Directory
	Kind   kind
	Lines  int
	Oldest model.Time
}

// Sweep deletes lines older than 30 days, and of each directory all but the newest 1,000 reads,
// 10,000 writes and 10,000 refusals. It returns how many it deleted. No statement reads more than
// one directory: one for all could take longer than PostgreSQL lets a statement run.
func (s InnerStore) Sweep(ctx context.Context) (swept int64, err error) {
	var all []directory.Directory
	err = across.Read(ctx, s.Store).Model(&directory.Directory{}).Select("organization_id", "id").Find(&all).Error
	if err != nil {
		return 0, tenant.Translate(s, fmt.Errorf("list directories: %w", err))
	}
	var errs []error
	for i := range all {
		n, err := s.sweepDirectory(ctx, all[i])
		if swept += n; err != nil {
			errs = append(errs, tenant.Translate(s, fmt.Errorf("sweep requests: %w", err)))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return swept, errors.Join(errs...)
}

// sweepDirectory is Sweep for one directory.
func (s InnerStore) sweepDirectory(ctx context.Context, d directory.Directory) (swept int64, err error) {
	var all []lines
	err = across.Read(ctx, s.Store).Model(&Request{}).
		Select(kindSQL+" AS kind, count(*) AS lines, min(created_at) AS oldest").
		Where("organization_id = ? AND directory_id = ?", d.OrganizationID, d.ID).
		Group("kind").
		Scan(&all).Error
	if err != nil {
		return 0, err
	}
	for _, l := range all {
		l.of = d
		n, err := s.sweepLines(ctx, l, model.TimeOf(s.Now().Add(-keptTime)))
		if swept += n; err != nil {
			return swept, err
		}
	}
	return swept, nil
}

// sweepLines deletes the lines that are older than since, or too many.
func (s InnerStore) sweepLines(ctx context.Context, l lines, since model.Time) (int64, error) {
	db := across.DB(ctx, s.Store)
	where := "organization_id = ? AND directory_id = ? AND " + kindSQL + " = ?"
	var swept int64
	if l.Oldest < since {
		r := db.Where(where, l.of.OrganizationID, l.of.ID, l.Kind).Where("created_at < ?", since).
			Delete(&Request{})
		if swept = r.RowsAffected; r.Error != nil {
			return swept, r.Error
		}
	}
	if l.Lines-int(swept) <= kept[l.Kind] {
		return swept, nil
	}
	var last []string // id of the oldest line to keep
	err := db.Model(&Request{}).Where(where, l.of.OrganizationID, l.of.ID, l.Kind).
		Order("id DESC").Offset(kept[l.Kind]-1).Limit(1).Pluck("id", &last).Error
	if err != nil || len(last) == 0 {
		return swept, err
	}
	r := db.Where(where, l.of.OrganizationID, l.of.ID, l.Kind).Where("id < ?", last[0]).Delete(&Request{})
	return swept + r.RowsAffected, r.Error
}
