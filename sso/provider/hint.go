package provider

import (
	"context"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"

	"rollcall/model"
	"rollcall/model/grant"
)

// maxHint is the longest ID token that is read, in bytes.
const maxHint = 64 << 10

// errHint is the error for a text that is no ID token of ours.
var errHint error = model.Invalidf("id_token_hint", "id_token_hint is no ID token of this server")

// ReadHint reads an ID token, however old it is, or a hint that was sealed. It returns Invalid for
// anything else.
func (s *Server) ReadHint(ctx context.Context, text string) (*grant.Hint, error) {
	if len(text) > maxHint {
		return nil, errHint
	}
	if hint := grant.Across(s.Store).OpenHint(text); hint != nil {
		return hint, nil
	}
	token, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil || len(token.Signatures) != 1 {
		return nil, errHint
	}
	header := token.Signatures[0].Protected
	key, err := s.key(ctx, header.KeyID)
	if model.KindOf(err) == model.NotFound || err == nil && key.Algorithm != header.Algorithm {
		return nil, errHint
	}
	if err != nil {
		return nil, err
	}
	payload, err := token.Verify(key.Signer.Public())
	if err != nil {
		return nil, errHint
	}
	var said struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		Session  string `json:"sid"`
	}
	if json.Unmarshal(payload, &said) != nil || said.Issuer != s.Issuer() || header.ExtraHeaders["typ"] != "JWT" {
		return nil, errHint
	}
	return &grant.Hint{User: said.Subject, Session: said.Session, Application: said.Audience}, nil
}
