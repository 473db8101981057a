// Package passwords hashes passwords, compares them, and slows down those who guess.
//
// It knows neither users nor operators: an account is any text that names it for good. What it
// stores are the wrong guesses, by a hash of the account and of the network address.
package passwords

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
	"golang.org/x/text/secure/precis"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

const (
	// shortest is what NIST SP 800-63B-4 demands of a password that is the only factor, in
	// characters.
	shortest = 15
	longest  = 128 // characters
	// enoughGuesses is zxcvbn's "safely unguessable".
	enoughGuesses = 1e10
	// memory is what OWASP recommends for argon2id with two iterations and one lane, in KiB.
	memory = 19 * 1024
)

// hasher makes and compares hashes, those of two passwords at a time.
type hasher struct {
	line   line
	params *argon2id.Params
	// nobody returns the hash to compare with for an unknown account, so that a guess there takes
	// as long as any other. It is made on first use, because it would delay the start.
	nobody func() (string, error)
}

// hasherOf returns the hasher of a store.
func hasherOf(store tenant.Base) *hasher {
	return tenant.State(store, func() *hasher { return newHasher(tenant.PasswordMemory(store)) })
}

// newHasher returns a hasher that takes so many KiB for each password; zero means the default.
func newHasher(kib uint32) *hasher {
	if kib == 0 {
		kib = memory
	}
	params := &argon2id.Params{Memory: kib, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	return &hasher{params: params, nobody: sync.OnceValues(func() (string, error) {
		return argon2id.CreateHash(rand.Text(), params)
	})}
}

// hash hashes a prepared password in the line, after check.
func (h *hasher) hash(ctx context.Context, k kind, prepared string, check func() error) (hash string, err error) {
	err = h.line.run(ctx, k, func() error {
		if err := check(); err != nil {
			return err
		}
		hash, err = argon2id.CreateHash(prepared, h.params)
		return err
	})
	return hash, err
}

// compare compares a prepared password with a hash, in the line.
func (h *hasher) compare(ctx context.Context, k kind, hash, prepared string) (equal, outdated bool, err error) {
	err = h.line.run(ctx, k, func() error {
		right, params, err := argon2id.CheckHash(prepared, hash)
		if err != nil {
			return errors.New("compare a password: the stored hash cannot be read")
		}
		equal, outdated = right, *params != *h.params
		return nil
	})
	return equal, outdated, err
}

// Hash returns the text to store for a new password, a PHC string. It answers Invalid for a
// password that is too short, or easily guessed by somebody who knows the words about its owner.
// Only somebody with a link or a session sets a password, so that strangers do not hold them up.
func Hash(ctx context.Context, store tenant.Base, password string, about ...string) (string, error) {
	prepared, err := prepare(password)
	if err == nil {
		err = checkLength(prepared)
	}
	if err != nil {
		return "", err
	}
	h := hasherOf(store)
	leave, err := h.line.enter(knownBrowser)
	if err != nil {
		return "", err
	}
	defer leave()
	return h.hash(ctx, knownBrowser, prepared, func() error { return checkGuesses(prepared, about...) })
}

// Rehash hashes a password that is known to be right, with today's parameters. The rules for new
// passwords do not apply to it.
func Rehash(ctx context.Context, store tenant.Base, password string) (string, error) {
	prepared, err := prepare(password)
	if err != nil {
		return "", err
	}
	return hasherOf(store).hash(ctx, knownBrowser, prepared, func() error { return nil })
}

// Compare tells whether hash was made of the password. The empty hash is nobody's: it takes the
// same time and is never equal. Compare writes nothing; outdated asks the caller to store the
// result of Rehash.
func (a *Attempt) Compare(ctx context.Context, hash, password string) (equal, outdated bool, err error) {
	h := hasherOf(a.store)
	nobody, err := h.nobody()
	if err != nil {
		return false, false, fmt.Errorf("make the hash of nobody: %w", err)
	}
	prepared, invalid := prepare(password)
	if hash == "" || invalid != nil {
		_, _, err := h.compare(ctx, a.kind, nobody, prepared)
		return false, false, err
	}
	equal, outdated, err = h.compare(ctx, a.kind, hash, prepared)
	return equal, equal && outdated, err
}

// prepare returns a password as it is hashed (RFC 8265, OpaqueString): the same for each way in
// which a keyboard composes its characters.
func prepare(password string) (string, error) {
	if utf8.RuneCountInString(password) > longest {
		return "", model.Invalidf("password", "a password has at most %d characters", longest)
	}
	prepared, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", model.Invalidf("password", "a password is not empty and holds no control characters")
	}
	return prepared, nil
}

// checkLength refuses a password that is short.
func checkLength(prepared string) error {
	if utf8.RuneCountInString(prepared) < shortest {
		return model.Invalidf("password", "a password has at least %d characters; "+
			"four or five words that nobody would put together are good", shortest)
	}
	return nil
}

// estimated is how many characters of a password are looked at. The work of zxcvbn grows with the
// cube of the length for texts that are made for that: 128 characters can take a second.
const estimated = 64

// checkGuesses refuses a password that is easily guessed by somebody who knows the words about its
// owner, such as the address and the organization.
func checkGuesses(prepared string, about ...string) error {
	if r := []rune(prepared); len(r) > estimated {
		prepared = string(r[:estimated])
	}
	known := []string{"rollcall"}
	for _, text := range about {
		known = append(known, text)
		separates := func(r rune) bool { return strings.ContainsRune("@.-_+ ", r) }
		known = append(known, strings.FieldsFunc(text, separates)...)
	}
	for _, text := range []string{prepared, withoutRepeats(prepared, known)} {
		if zxcvbn.PasswordStrength(text, known).Guesses < enoughGuesses {
			return model.Invalidf("password", "this password is easily guessed: it is common, repeats itself, "+
				"or is made of what is known about you; take other words")
		}
	}
	return nil
}

// withoutRepeats returns a password with each known word in it once. zxcvbn takes a word that is
// there three times for three words to guess. A password without such repeats stays as it is.
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
