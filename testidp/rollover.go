package testidp

import (
	"crypto/x509"
	"errors"
)

// rollover is a change of the signing key. The next key is first published, then it signs, then the
// old one is removed.
type rollover struct {
	next         keyPair
	used         bool // the next key signs
	inProgress   bool
	certificates []*x509.Certificate // in the metadata
}

// PublishNextKey makes a second signing key and adds it to the metadata, as an identity provider
// does before a change of certificates.
func (a *Application) PublishNextKey() error {
	first, err := a.keys()
	if err != nil {
		return err
	}
	next, err := newKeyPair(nil, "Northwind Directory, "+a.domain+", next", a.client.now())
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	both := []*x509.Certificate{first.certificate, next.certificate}
	a.rollover = rollover{next: next, inProgress: true, certificates: both}
	return nil
}

// UseNextKey signs all further responses with the key of PublishNextKey. The error is for a call
// without PublishNextKey.
func (a *Application) UseNextKey() error { return a.roll(func(r *rollover) { r.used = true }) }

// RetireFirstKey removes the first key from the metadata, and signs with the next one. The error is
// for a call without PublishNextKey.
func (a *Application) RetireFirstKey() error {
	return a.roll(func(r *rollover) {
		r.used, r.certificates = true, []*x509.Certificate{r.next.certificate}
	})
}

// roll changes the rollover in progress.
func (a *Application) roll(change func(*rollover)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.rollover.inProgress {
		return errors.New("no next key was published")
	}
	change(&a.rollover)
	return nil
}

// signing returns the current signing key.
func (a *Application) signing() (keyPair, error) {
	a.mu.Lock()
	r := a.rollover
	a.mu.Unlock()
	if r.used {
		return r.next, nil
	}
	return a.keys()
}

// published returns the certificates in the metadata, or none if no key could be made.
func (a *Application) published() []*x509.Certificate {
	a.mu.Lock()
	r := a.rollover
	a.mu.Unlock()
	if r.inProgress {
		return r.certificates
	}
	k, err := a.keys()
	if err != nil {
		return nil
	}
	return []*x509.Certificate{k.certificate}
}
