package people

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/trustelem/zxcvbn"
	"golang.org/x/sync/semaphore"
	"golang.org/x/text/secure/precis"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

const (
	// leastPassword is NIST SP 800-63B-4's for a password that is the only factor; both in characters.
	leastPassword = 15
	mostPassword  = 128
	// enoughGuesses is zxcvbn's "safely unguessable".
	enoughGuesses = 1e10
	// passwordMemory is OWASP's for argon2id, in KiB: 19 MiB, twice, one lane.
	passwordMemory = 19 * 1024
)

// passwords hashes and compares. Two at a time, so that a flood of logins waits in a line and does
// not take the memory of all others.
type passwords struct {
	room   *semaphore.Weighted
	params *argon2id.Params
	// nobody is the hash that is compared with where there is none, so that to guess at somebody
	// unknown takes the same work. It is made when it is first needed: a start must not wait for it.
	nobody func() (string, error)
}

// passwordsOf is how a store hashes passwords.
func passwordsOf(s Store) *passwords {
	return tenant.State(s, func() *passwords { return newPasswords(tenant.PasswordMemory(s)) })
}

func newPasswords(memory uint32) *passwords {
	if memory == 0 {
		memory = passwordMemory
	}
	params := &argon2id.Params{Memory: memory, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	return &passwords{semaphore.NewWeighted(2), params, sync.OnceValues(func() (string, error) {
		return argon2id.CreateHash(rand.Text(), params)
	})}
}

// preparedPassword is a password as it is hashed (RFC 8265, OpaqueString): the same for each way in
// which a keyboard composes its characters.
func preparedPassword(password string) (string, error) {
	if utf8.RuneCountInString(password) > mostPassword {
		return "", model.Invalidf("password", "a password has at most %d characters", mostPassword)
	}
	prepared, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", model.Invalidf("password", "a password is not empty and holds no control characters")
	}
	return prepared, nil
}

// checkNewPassword refuses a password that is short or easily guessed by who knows the words about
// the person: their address, their organization.
func checkNewPassword(prepared string, about ...string) error {
	if utf8.RuneCountInString(prepared) < leastPassword {
		return model.Invalidf("password", "a password has at least %d characters; four or five words that nobody would put together are good", leastPassword)
	}
	known := []string{"rollcall"}
	for _, text := range about {
		known = append(known, text)
		known = append(known, strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("@.-_+ ", r) })...)
	}
	for _, text := range []string{prepared, withoutRepeats(prepared, known)} {
		if zxcvbn.PasswordStrength(text, known).Guesses < enoughGuesses {
			return model.Invalidf("password", "this password is easily guessed: it is common, repeats itself, or is made of what is known about you; take other words")
		}
	}
	return nil
}

// withoutRepeats is a password in which each known word stands once: zxcvbn takes one that is there
// three times for three words to guess. A password without such repeats stays as it is.
func withoutRepeats(password string, known []string) string {
	out := password
	for _, word := range known {
		if word = strings.ToLower(word); utf8.RuneCountInString(word) < 3 {
			continue
		}
		if head, tail, found := strings.Cut(strings.ToLower(out), word); found && strings.Contains(tail, word) {
			out = head + word + strings.ReplaceAll(tail, word, "")
		}
	}
	return out
}

// HashPassword makes the text that is stored of a new password, a PHC string. It answers Invalid for
// one that checkNewPassword refuses.
func (s Store) HashPassword(ctx context.Context, password string, about ...string) (string, error) {
	prepared, err := preparedPassword(password)
	if err != nil {
		return "", err
	}
	if err := checkNewPassword(prepared, about...); err != nil {
		return "", err
	}
	if err := passwordsOf(s).room.Acquire(ctx, 1); err != nil {
		return "", fmt.Errorf("wait to hash a password: %w", err)
	}
	defer passwordsOf(s).room.Release(1)
	return argon2id.CreateHash(prepared, passwordsOf(s).params)
}

// ComparePassword tells whether a password is the one that hash was made of. An empty hash is
// nobody's: it costs the same and is never equal. It writes nothing; outdated asks the caller to
// store the result of RehashPassword.
func (s Store) ComparePassword(ctx context.Context, hash, password string) (equal, outdated bool, err error) {
	nobody, err := passwordsOf(s).nobody()
	if err != nil {
		return false, false, fmt.Errorf("make the hash of nobody: %w", err)
	}
	prepared, invalid := preparedPassword(password)
	somebody := hash != "" && invalid == nil
	if !somebody {
		hash = nobody
	}
	if err := passwordsOf(s).room.Acquire(ctx, 1); err != nil {
		return false, false, fmt.Errorf("wait to compare a password: %w", err)
	}
	defer passwordsOf(s).room.Release(1)
	equal, params, err := argon2id.CheckHash(prepared, hash)
	if err != nil {
		return false, false, errors.New("compare a password: the stored hash cannot be read")
	}
	equal = equal && somebody
	return equal, equal && *params != *passwordsOf(s).params, nil
}

// RehashPassword hashes a password that was just found right anew, under today's parameters and
// whatever today's rules for new ones say.
func (s Store) RehashPassword(ctx context.Context, password string) (string, error) {
	prepared, err := preparedPassword(password)
	if err != nil {
		return "", err
	}
	if err := passwordsOf(s).room.Acquire(ctx, 1); err != nil {
		return "", fmt.Errorf("wait to hash a password: %w", err)
	}
	defer passwordsOf(s).room.Release(1)
	return argon2id.CreateHash(prepared, passwordsOf(s).params)
}
