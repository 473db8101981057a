package signon

import (
	"context"
	"crypto/subtle"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// PendingAuthorization is a request of an application that waits at the login page. It belongs to
// one browser, lives for ten minutes and is answered once. The page keeps it, sealed: anybody can
// send any number of requests, so none is stored.
type PendingAuthorization struct {
	ID             string               `json:"i"`
	OrganizationID model.OrganizationID `json:"o"`
	ApplicationID  string               `json:"a"`
	BrowserHash    []byte               `json:"b"`
	RedirectURI    string               `json:"u"`
	State          string               `json:"s,omitempty"`
	CodeChallenge  string               `json:"c,omitempty"`
	Scope          string               `json:"p,omitempty"` // see CodeRequest
	Nonce          string               `json:"n,omitempty"`
	ResponseMode   string               `json:"m,omitempty"` // how the application reads the answer
	ExpiresAt      model.Time           `json:"t"`
}

func (p *PendingAuthorization) codeRequest() CodeRequest {
	return CodeRequest{ApplicationID: p.ApplicationID, RedirectURI: p.RedirectURI, CodeChallenge: p.CodeChallenge,
		Scope: p.Scope, Nonce: p.Nonce}
}

// pendingPurpose is what pending authorizations are sealed for.
const pendingPurpose = "pending authorization"

// StartAuthorization sets the id and the end of an application's request, and returns what the page
// keeps of it.
func (o Org) StartAuthorization(p *PendingAuthorization) (sealed string) {
	p.ID, p.OrganizationID = model.NewID(), o.ID
	p.ExpiresAt = tenant.Now(o) + model.Time(loginTime.Milliseconds())
	return Across(o).seal(p, pendingPurpose)
}

// PendingAuthorization returns the request that waits in a browser. It returns NotFound for the
// request of another browser, for one that was answered, and for one that has expired.
func (s Store) PendingAuthorization(
	ctx context.Context, sealed string, browserHash []byte,
) (*PendingAuthorization, error) {
	var p PendingAuthorization
	if s.open(sealed, pendingPurpose, &p) && p.ExpiresAt > model.TimeOf(s.Now()) &&
		subtle.ConstantTimeCompare(p.BrowserHash, browserHash) == 1 {
		used, err := In(s.Org(p.OrganizationID, model.System)).tokenUsed(ctx, p.ID)
		if err != nil || !used {
			return &p, err
		}
	}
	return nil, model.NotFoundf("no application waits for this sign-in any more")
}
