package signon

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/refusal"
)

// loginTime is how long a login may take at the identity provider.
const loginTime = 10 * time.Minute

// Login is a sign-in on its way to an identity provider and back. It belongs to one browser, which
// keeps it, sealed: anybody can begin any number of logins, so none is stored. It is accepted once,
// whatever replica gets the response.
type Login struct {
	ID             string
	OrganizationID model.OrganizationID
	ConnectionID   string
	RequestID      string  // the InResponseTo of the response
	BrowserHash    []byte  // SHA-256 of the value in the browser's cookie
	ApplicationID  *string // nil for a login that ends on a page of Rollcall
	RedirectURI    string
	State          string // of the application, which gets it back unchanged
	CodeChallenge  string // S256; empty when the application sent none (RFC 7636)
	Scope, Nonce   string // see CodeRequest
	ResponseMode   string // how the application reads the answer
	ForceAuthn     bool   // prompt=login: the authentication must be newer than CreatedAt
	MaxAge         *int64 // seconds; the authentication must not be older when the response arrives
	// SessionID is the session that the browser had, or empty. When it is one of another
	// organization, the person knew of it and went on.
	SessionID string
	Secret    []byte // what the values of an OpenID Connect request derive from
	// TestID is the id of the test that the login is, and empty for a real one. It is sealed with
	// the rest, so that the answer to a test ends that test and signs nobody in.
	TestID    string
	CreatedAt model.Time
	ExpiresAt model.Time
}

// codeRequest is what the application of a login wants.
func (l *Login) codeRequest() CodeRequest {
	return CodeRequest{ApplicationID: *l.ApplicationID, RedirectURI: l.RedirectURI, CodeChallenge: l.CodeChallenge,
		Scope: l.Scope, Nonce: l.Nonce}
}

// StartLogin sets the id, the times and the request's ID of a login. It returns the handle, which
// goes to the identity provider as RelayState or state, and what the browser keeps.
func (o Org) StartLogin(l *Login) (handle string, kept []byte) {
	l.ID, l.OrganizationID, l.CreatedAt = model.NewID(), o.ID, tenant.Now(o)
	l.ExpiresAt = l.CreatedAt + model.Time(loginTime.Milliseconds())
	handle = o.Handle(l)
	if l.RequestID == "" {
		l.RequestID = requestPrefix + handle
	}
	text := l.pack()
	return handle,
		tenant.SealerOf(o).Seal([]byte(text), loginPurpose(l.ConnectionID, l.ID))
}

// requestPrefix makes the ID of a request, which is an XML name, of a login's handle: so a response
// tells whether it answers a request of ours.
const requestPrefix = "_"

// Awaited tells whether one of the requests is of a login at a connection that is still open.
func (o Org) Awaited(ctx context.Context, connectionID string, requestIDs []string) (bool, error) {
	for _, request := range requestIDs {
		handle, ok := strings.CutPrefix(request, requestPrefix)
		if !ok {
			continue
		}
		id, expires, ok := o.loginHandle(connectionID).read(handle)
		if !ok || expires <= tenant.Now(o) {
			continue
		}
		if used, err := o.tokenUsed(ctx, id); err != nil || !used {
			return true, err
		}
	}
	return false, nil
}

// loginPurpose is what a login is sealed for.
func loginPurpose(connectionID, id string) string { return "logins/" + connectionID + "/" + id }

// Login opens the login of a handle, also when it was used or has expired. kept returns what the
// browser keeps of the login with an id. The error is NotFound for a handle that is none of this
// connection, and a *refusal.Error when the browser does not keep the login.
func (o Org) Login(connectionID, handle string, kept func(id string) []byte) (*Login, error) {
	id, expires, ok := o.loginHandle(connectionID).read(handle)
	if !ok {
		return nil, model.NotFoundf("there is no login %.64q", handle)
	}
	text, err := tenant.SealerOf(o).Open(kept(id), loginPurpose(connectionID, id))
	if err != nil && expires <= tenant.Now(o) {
		return nil, errLoginUsed() // browsers do not keep it for longer
	}
	if err != nil {
		return nil, &refusal.Error{Reason: refusal.LoginForeign,
			Expected: "the browser in which the login began", Received: "another one, or one without our cookie"}
	}
	l := &Login{ID: id, OrganizationID: o.ID, ConnectionID: connectionID, ExpiresAt: expires}
	return l, l.unpack(string(text))
}

// packed is how many texts pack joins for a real login. A test has its id besides.
const packed = 14

// pack returns a login as text. Neither a state nor any other value has NUL in it.
func (l *Login) pack() string {
	optional := func(text *string) string {
		if text == nil {
			return ""
		}
		return *text
	}
	age := ""
	if l.MaxAge != nil {
		age = strconv.FormatInt(*l.MaxAge, 10)
	}
	texts := []string{l.RequestID, encode(l.BrowserHash), optional(l.ApplicationID), l.RedirectURI, l.State,
		l.CodeChallenge, strconv.FormatBool(l.ForceAuthn), age, l.SessionID, encode(l.Secret),
		strconv.FormatInt(int64(l.CreatedAt), 10), l.Scope, l.Nonce, l.ResponseMode}
	if l.TestID != "" {
		texts = append(texts, l.TestID)
	}
	return strings.Join(texts, "\x00")
}

// unpack reads what pack returned.
func (l *Login) unpack(text string) error {
	f := strings.Split(text, "\x00")
	switch {
	case len(f) == packed:
	case len(f) == packed+1 && model.IsID(f[packed]):
		l.TestID = f[packed]
	default:
		return fmt.Errorf("open login: %d values", len(f))
	}
	l.RequestID, l.RedirectURI, l.State, l.CodeChallenge, l.SessionID = f[0], f[3], f[4], f[5], f[8]
	l.BrowserHash, l.Secret, l.ForceAuthn = decode(f[1]), decode(f[9]), f[6] == "true"
	l.Scope, l.Nonce, l.ResponseMode = f[11], f[12], f[13]
	l.ApplicationID = model.OrNull(f[2])
	if f[7] != "" {
		age, err := strconv.ParseInt(f[7], 10, 64)
		if err != nil {
			return fmt.Errorf("open login: %w", err)
		}
		l.MaxAge = &age
	}
	created, err := strconv.ParseInt(f[10], 10, 64)
	if err != nil {
		return fmt.Errorf("open login: %w", err)
	}
	l.CreatedAt = model.Time(created)
	return nil
}

// Handle returns the handle of a login.
func (o Org) Handle(l *Login) string { return o.loginHandle(l.ConnectionID).write(l.ID, l.ExpiresAt) }

// Used tells whether a login has signed somebody in.
func (o Org) Used(ctx context.Context, l *Login) (bool, error) { return o.tokenUsed(ctx, l.ID) }

// Unused refuses a login that was used or has expired, before work is done for its response. The
// transaction of the sign-in decides.
func (o Org) Unused(ctx context.Context, l *Login) error {
	if l.ExpiresAt <= tenant.Now(o) {
		return errLoginUsed()
	}
	used, err := o.tokenUsed(ctx, l.ID)
	if err == nil && used {
		err = errLoginUsed()
	}
	return err
}

// useLogin marks a login as used. The second use of a login is refused.
func (o Org) useLogin(ctx context.Context, l *Login) error {
	used, err := o.useToken(ctx, l.ID, l.ExpiresAt)
	if err != nil {
		return fmt.Errorf("use login: %w", err)
	}
	if !used {
		return errLoginUsed()
	}
	return nil
}

func errLoginUsed() error {
	return &refusal.Error{Reason: refusal.LoginUsed, Expected: "a login that is used once, within ten minutes",
		Received: "one that was used or has expired"}
}

// Assertion is the row that remembers an accepted assertion by its hash.
type Assertion struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ConnectionID   string               `gorm:"primaryKey"`
	Hash           []byte               `gorm:"primaryKey"`
	ExpiresAt      model.Time
}

// RememberAssertion stores that an assertion is accepted. It refuses an assertion that was accepted
// before. The row is kept until the given time; after that the assertion's age refuses it.
func (o Org) RememberAssertion(ctx context.Context, connectionID, assertionID string, until model.Time) error {
	row := Assertion{ConnectionID: connectionID, Hash: tenant.HashToken(assertionID), ExpiresAt: until}
	r := tenant.DB(ctx, o).Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	if r.Error != nil {
		return tenant.Translate(o, connection.ErrConnectionGone(fmt.Errorf("remember assertion: %w", r.Error)))
	}
	if r.RowsAffected == 0 {
		return &refusal.Error{Reason: refusal.AssertionReplayed, Expected: "an assertion that was not used before",
			Received: "the ID of one that was"}
	}
	return nil
}
