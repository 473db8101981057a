package passwords

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"time"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// A browser that signed in before has a counter of its own for wrong passwords. Otherwise anybody
// who knows an address could keep its owner out, by guessing all the time.

// KnownTime is how long a browser is known after a sign-in.
const KnownTime = 365 * 24 * time.Hour

// Sender is who sends a password.
type Sender struct {
	Address string // of the network
	// Known returns what Known returned for the browser, by a name; nil for none.
	Known func(name string) string
}

// knownPurpose is what the browsers of an account are sealed for.
func knownPurpose(account string) string { return "known browser\x00" + account }

// KnownName is the name under which a browser keeps that it is known to an account. It does not
// show the account.
func KnownName(account string) string { return hex.EncodeToString(accountKey(account)[:4]) }

// Known returns what a browser keeps after a sign-in at an account. It opens nothing.
func Known(store tenant.Base, account string) string {
	text := binary.BigEndian.AppendUint64(nil, uint64(model.TimeOf(tenant.StoreOf(store).Now().Add(KnownTime))))
	id := make([]byte, 16)
	rand.Read(id)
	return base64.RawURLEncoding.EncodeToString(
		tenant.SealerOf(store).Seal(append(text, id...), knownPurpose(account)))
}

// knownKey returns the key of the counter of a browser that is known to an account, or nothing.
func (s Sender) knownKey(store tenant.Base, account string) []byte {
	if s.Known == nil {
		return nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(s.Known(KnownName(account)))
	if err != nil || len(sealed) == 0 {
		return nil
	}
	text, err := tenant.SealerOf(store).Open(sealed, knownPurpose(account))
	if err != nil || len(text) != 24 ||
		model.Time(binary.BigEndian.Uint64(text)) <= model.TimeOf(tenant.StoreOf(store).Now()) {
		return nil
	}
	return tenant.HashToken("guess browser\x00" + account + "\x00" + string(text[8:]))
}
