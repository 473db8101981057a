package model

import (
	"encoding/binary"
	"strings"

	"github.com/google/uuid"

	"rollcall/model/internal/guard"
)

// OrganizationID names one organization. Each row with a field of this type belongs to one
// organization. The store adds the organization to every statement for such rows, and refuses a
// statement without one.
type OrganizationID = guard.OrganizationID

// NewID makes a UUIDv7. Later ids of one process sort after earlier ones.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// IsID tells whether s is a UUID in the spelling of NewID. No other text names a row, and
// PostgreSQL is never asked for one.
func IsID(s string) bool {
	u, err := uuid.Parse(s)
	return err == nil && u.String() == s
}

// Prefix is the part of an API id before the underscore, which says what the id names.
type Prefix string

// The prefixes of docs/design/store.md, "Public form". DirectoryUserPrefix and UserPrefix name the
// same row.
const (
	OrganizationPrefix       Prefix = "org"
	OrganizationDomainPrefix Prefix = "org_domain"
	DirectoryPrefix          Prefix = "directory"
	DirectoryUserPrefix      Prefix = "directory_user"
	DirectoryGroupPrefix     Prefix = "directory_group"
	DirectoryTokenPrefix     Prefix = "dtok"
	DirectoryRequestPrefix   Prefix = "request"
	ProfilePrefix            Prefix = "prof"
	UserPrefix               Prefix = "user"
	ConnectionPrefix         Prefix = "conn"
	SessionPrefix            Prefix = "session"
	LoginAttemptPrefix       Prefix = "login_attempt"
	ApplicationPrefix        Prefix = "app"
	EventPrefix              Prefix = "event"
	TombstonePrefix          Prefix = "tombstone"
	AccountPrefix            Prefix = "acct"
	GroupPrefix              Prefix = "group"
	LicensePrefix            Prefix = "license"
	GroupAssignmentPrefix    Prefix = "group_assignment"
)

// crockford is Crockford's base32 alphabet: no I, L, O, U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// ID writes a stored UUID in its API form: the prefix, an underscore, and the 128 bits as 26
// characters of Crockford's base32, which sort like the UUIDs. A text that is no UUID is only
// prefixed, and finds nothing.
func (p Prefix) ID(id string) string {
	u, err := uuid.Parse(id)
	if err != nil {
		return string(p) + "_" + id
	}
	hi, lo := binary.BigEndian.Uint64(u[:8]), binary.BigEndian.Uint64(u[8:])
	var out [26]byte
	for i := 25; i >= 0; i-- {
		out[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(p) + "_" + string(out[:])
}

// OrNull is ID, and nil for an empty id.
func (p Prefix) OrNull(id string) *string {
	if id == "" {
		return nil
	}
	apiID := p.ID(id)
	return &apiID
}

// Parse reads the form that ID writes, with base32 in either case, and returns the stored UUID. It
// is not ok when s is no id, or has another prefix.
func (p Prefix) Parse(s string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(s, string(p)+"_")
	if !ok || len(rest) != 26 || rest[0] > '7' {
		return "", false
	}
	var hi, lo uint64
	for i := range len(rest) {
		c := rest[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		v := strings.IndexByte(crockford, c)
		if v < 0 {
			return "", false
		}
		hi = hi<<5 | lo>>59
		lo = lo<<5 | uint64(v)
	}
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], hi)
	binary.BigEndian.PutUint64(u[8:], lo)
	return u.String(), true
}
