package scim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	scimerrors "github.com/elimity-com/scim/errors"

	"rollcall/model/search"
)

// The error types that RFC 9865 §3 adds.
const (
	invalidCursor scimerrors.ScimType = "invalidCursor"
	expiredCursor scimerrors.ScimType = "expiredCursor"
	invalidCount  scimerrors.ScimType = "invalidCount"
)

// cursorLife is how long a client may take to ask for the next page. A cursor holds all that the
// next page needs, so that the server keeps nothing for it.
const cursorLife = 24 * time.Hour

// cursorText is the content of a cursor, which only this server reads.
type cursorText struct {
	Type  string // the resource type that the place is among
	Place string
	Total int
	Given int64  // when, in seconds since 1970
	Query uint64 // a hash of directory, filter and order: a cursor is of no use for another list
}

// list is a hash of what the pages of a list have in common (RFC 9865 §2.1).
func (x *exchange) list(endpoint string) uint64 {
	parts := []string{x.directory.ID, endpoint}
	for _, name := range []string{"filter", "sortby", "sortorder"} {
		parts = append(parts, strings.Join(x.parameters[name], "\x00"))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00\x00")))
	return binary.BigEndian.Uint64(sum[:])
}

// cursor reads the parameter: nil when the client does not page by cursor.
func (x *exchange) cursor(endpoint string) (*cursorText, error) {
	if _, given := x.parameters["cursor"]; !given {
		return nil, nil
	}
	text, err := x.parameters.one("cursor")
	if err != nil || text == "" { // the first page
		return new(cursorText), err
	}
	var c cursorText
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(decoded, &c)
	}
	if err != nil || c.Type == "" || c.Query != x.list(endpoint) {
		return nil, &Refused{Status: http.StatusBadRequest, ScimType: invalidCursor, Err: err,
			Detail: "the cursor is not one that this list was answered with; " +
				"filter, sortBy and sortOrder must stay as they were"}
	}
	if age := x.limit.now().Sub(time.Unix(c.Given, 0)); age > cursorLife || age < -cursorLife {
		return nil, &Refused{Status: http.StatusBadRequest, ScimType: expiredCursor,
			Detail: "the cursor is too old; begin again with an empty one"}
	}
	return &c, nil
}

// next is the cursor of the page after this one, of letters that no URL needs to escape.
func (x *exchange) next(endpoint, kind string, next *search.Cursor) string {
	c := cursorText{kind, next.Place, next.Total, x.limit.now().Unix(), x.list(endpoint)}
	text, _ := json.Marshal(c) // strings and numbers never fail
	return base64.RawURLEncoding.EncodeToString(text)
}
