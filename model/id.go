package model

import (
	"encoding/binary"
	"strings"

	"github.com/google/uuid"
)

// NewID makes a UUIDv7: later ids of one process sort after earlier ones.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Prefix is the kind of thing that an API id names, as it stands before the underscore.
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
	APIKeyPrefix             Prefix = "key"
	EventPrefix              Prefix = "event"
	TombstonePrefix          Prefix = "tombstone"
	AccountPrefix            Prefix = "acct"
	GroupPrefix              Prefix = "group"
	LicensePrefix            Prefix = "license"
	GroupAssignmentPrefix    Prefix = "group_assignment"
)

// crockford is Crockford's base32 alphabet: no I, L, O, U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// ID writes a stored UUID in its API form: the prefix, an underscore, and the
// 128 bits as 26 characters of Crockford's base32, which sort as the UUIDs do.
// What is no UUID comes back as the bare prefix and text, so that it finds nothing.
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

// OrNull is ID, and nil for nothing.
func (p Prefix) OrNull(id string) *string {
	if id == "" {
		return nil
	}
	apiID := p.ID(id)
	return &apiID
}

// Parse reads the form that ID writes, in either case of its base32 half, and
// returns the stored UUID. An id of another kind, or no id at all, is not ok.
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

// IsID tells whether s is a UUID in the spelling that NewID writes; anything
// else can name no row, and PostgreSQL is never asked for it.
func IsID(s string) bool {
	u, err := uuid.Parse(s)
	return err == nil && u.String() == s
}
