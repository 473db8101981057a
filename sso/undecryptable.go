package sso

import (
	"errors"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/sso/saml"
	"rollcall/trust"
)

// undecryptableAfter is when an answer to what could not be decrypted is given, from its arrival.
// Whoever posts an unsigned response can have any ciphertext tried: by how soon it fails, CBC would
// open it byte by byte. Far more than decrypting, parsing and verifying take, it also slows that down.
const undecryptableAfter = 300 * time.Millisecond

// read verifies a response. What cannot be decrypted is refused after the same time, however far it
// came.
func (s *Server) read(c echo.Context, p *trust.Provider, response string, e saml.Expect) (*saml.Assertion, error) {
	a, err := p.SP.Verify(p.IDP, response, e)
	if r, ok := errors.AsType[*saml.Refused](err); ok && r.Reason == saml.Undecryptable {
		wait := time.NewTimer(undecryptableAfter - s.Store.Now().Sub(e.Now))
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-c.Request().Context().Done():
		}
	}
	return a, err
}
