package sso

import (
	"errors"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/sso/saml"
	"rollcall/trust"
)

// undecryptableAfter is how long after its arrival a response that could not be decrypted is
// refused. An attacker can have any ciphertext decrypted by posting it in an unsigned response. If
// the refusal came sooner for some ciphertexts than for others, encryption by CBC could be broken
// byte by byte. The time is much longer than decryption, parsing and verification take, which also
// slows an attack down.
const undecryptableAfter = 300 * time.Millisecond

// read verifies a response. A response that cannot be decrypted is refused after a constant time,
// whatever failed.
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
