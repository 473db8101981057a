package grant

import (
	"encoding/base64"
	"time"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// Hint is what an ID token of ours says about who is signed in.
type Hint struct {
	User        string `json:"u"` // sub
	Session     string `json:"s"` // sid
	Application string `json:"a"` // aud
}

// sealedHint is a Hint that waits in an address.
type sealedHint struct {
	Hint
	Until model.Time `json:"t"`
}

const (
	hintPurpose = "hint of an ID token"
	// hintTime is how long a sealed hint is good. It waits for a redirect of the browser, and for a
	// person who enters an e-mail address.
	hintTime = 10 * time.Minute
)

// SealHint seals a hint for ten minutes, for an address that must not have the ID token. It has no
// dot, and so is never taken for an ID token.
func (s Store) SealHint(h *Hint) string {
	text, _ := tenant.Encode(sealedHint{*h, model.TimeOf(s.Now().Add(hintTime))}) // texts and a number
	return base64.RawURLEncoding.EncodeToString(tenant.SealerOf(s).Seal([]byte(text), hintPurpose))
}

// OpenHint opens what SealHint returned. It returns nil for any other text, and after ten minutes.
func (s Store) OpenHint(sealed string) *Hint {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return nil
	}
	text, err := tenant.SealerOf(s).Open(raw, hintPurpose)
	var h sealedHint
	if err != nil || tenant.Decode(string(text), &h) != nil || h.Until <= model.TimeOf(s.Now()) {
		return nil
	}
	return &h.Hint
}
