package scim

import (
	"context"
	"maps"
	"net/http"
	"time"

	scimerrors "github.com/elimity-com/scim/errors"

	"rollcall/model/people"
	"rollcall/model/search"
	"rollcall/web"
)

// The sizes of answers. The groups of a user and the members of a group are in their resource, so
// that neither the number of resources of a page nor the size of what a client sent bounds them.
const (
	// pageBytes and pageRelated end a page: by RFC 7644 §3.4.2.4 it may hold fewer resources than
	// asked for. A client goes on behind the last one.
	pageBytes   = 4 << 20
	pageRelated = 20_000 // memberships, of about 200 bytes each

	// mostRelated is how many memberships a resource may have to be shown with them.
	mostRelated   = 150_000
	resourceBytes = 32 << 20
)

// The budgets of answers in bytes: of the process, and of each directory. A directory has room for
// the largest answer beside ordinary ones: else its other requests would keep that one out.
const (
	allAnswers  = 128 << 20
	eachAnswers = resourceBytes + 16<<20
)

// holding is what a request has taken of the budget of answers, and of the lane.
type holding struct {
	bytes int64
	gate  *gate // nil outside of the lane
}

// roomTime is how long a request waits for the answers before its own.
const roomTime = 3 * time.Second

// hold has the request hold that many bytes in all. It gives back, or takes as much as is missing.
// Before a request knows what it finds it takes room for a lot, so that a few of them are all that
// fit: the first time, it waits for those before it.
func (x *exchange) hold(ctx context.Context, bytes int64) error {
	more := bytes - x.held.bytes
	if more < 0 {
		x.answers.Give(x.directory.ID, -more)
	} else if !x.answers.Take(x.directory.ID, more) && !(x.held.bytes == 0 && x.waitForRoom(ctx, more)) {
		return crowded("the directory has too many large answers under way at once; " +
			"ask again after Retry-After, for fewer resources or with excludedAttributes=members or groups")
	}
	x.held.bytes = bytes
	return nil
}

// waitForRoom takes bytes of the budget as soon as there is room for them, if that is soon.
func (x *exchange) waitForRoom(ctx context.Context, bytes int64) bool {
	ctx, done := context.WithTimeout(ctx, roomTime)
	defer done()
	return x.answers.Wait(ctx, x.directory.ID, bytes)
}

// release gives back what the request holds.
func (x *exchange) release() {
	x.leave() // where a panic came before
	if x.held.bytes > 0 {
		x.answers.Give(x.directory.ID, x.held.bytes)
		x.held.bytes = 0
	}
}

// crowded refuses a directory that sends or asks for more bytes at once than it may.
func crowded(detail string) error {
	return &Refused{Status: http.StatusTooManyRequests, RetryAfter: time.Second, Detail: detail, Err: &web.Crowded{}}
}

// reading reads what belongs to resources, by their ids. all is false where that is more than most.
type reading func(ctx context.Context, most int, ids ...string) (of map[string][]people.MemberOf, all bool, err error)

// related reads what belongs to the resources of a page, as far as the page reaches: fit is how
// many of them, from the first, are on it. At least one is.
func (x *exchange) related(ctx context.Context, attribute string, ids []string, read reading) (
	of map[string][]people.MemberOf, fit int, err error) {
	of, all, err := read(ctx, pageRelated, ids...)
	if err != nil || all {
		return of, len(ids), err
	}
	if err := x.enterLarge(ctx); err != nil {
		return nil, 0, err
	}
	of = map[string][]people.MemberOf{}
	for left, n := pageRelated, 1; fit < len(ids) && left > 0; {
		n = min(n, len(ids)-fit)
		some, all, err := read(ctx, left, ids[fit:fit+n]...)
		switch {
		case err != nil:
			return nil, 0, err
		case all:
			for _, list := range some {
				left -= len(list)
			}
			maps.Copy(of, some)
			fit, n = fit+n, 2*n
			continue
		case n > 1:
			n = 1
			continue
		}
		break
	}
	if fit > 0 {
		return of, fit, nil
	}
	return x.relatedToOne(ctx, attribute, ids[0], read)
}

// relatedToOne reads what belongs to a resource with more than fits on a page.
func (x *exchange) relatedToOne(ctx context.Context, attribute, id string, read reading) (
	of map[string][]people.MemberOf, fit int, err error) {
	if err := x.hold(ctx, 0); err != nil { // to wait for all of it: nothing has been read that is kept
		return nil, 0, err
	}
	if err := x.hold(ctx, resourceBytes); err != nil {
		return nil, 0, err
	}
	of, all, err := read(ctx, mostRelated, id)
	if err == nil && !all {
		err = &Refused{Status: http.StatusRequestEntityTooLarge, ScimType: scimerrors.ScimTypeTooMany,
			Detail: "the resource " + id + " has too many " + attribute + " to be shown with them; " +
				"ask with excludedAttributes=" + attribute}
	}
	return of, 1, err
}

// listed is what a page shows of one type: how many of the resources that were read are on it, how
// many bytes they have as JSON, roughly, and how one of them is appended.
type listed struct {
	n, size int
	add     func(b []byte, i int) []byte
}

// held is how many bytes of memory a page takes: its rows, and the answer that is made of them.
func (l listed) held() int64 { return int64(l.size) * 3 / 2 }

// begin takes room for a list before it is known what it finds, and its turn where that may be a
// lot.
func (x *exchange) begin(ctx context.Context, q *listQuery, of *search.ResourceType) error {
	if err := x.hold(ctx, q.weight(of)); err != nil {
		return err
	}
	if of.NamesOne(q.Filter) {
		return nil
	}
	return x.enterList(ctx)
}

// weight is how much a list holds before it is known what it finds.
func (q *listQuery) weight(of *search.ResourceType) int64 {
	const each = 32 << 10
	if of.NamesOne(q.Filter) {
		return each
	}
	return min(pageBytes, each*int64(q.Limit))
}

// relatedSize is roughly how many bytes memberships have as JSON.
func (x *exchange) relatedSize(of map[string][]people.MemberOf) int {
	size := 0
	for _, list := range of {
		size += len(list) * (membershipSize + len(x.base))
	}
	return size
}

// large tells whether an answer was refused for its size. Where the request has changed something,
// it is answered without what makes it large.
func large(err error) bool {
	r, ok := err.(*Refused)
	return ok && (r.Status == http.StatusTooManyRequests || r.Status == http.StatusRequestEntityTooLarge)
}
