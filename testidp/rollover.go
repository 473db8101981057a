package testidp

import (
	"crypto/x509"
	"errors"
)

// rollover is a change of the signing key: the next one is published, then used, then alone.
type rollover struct {
	next         keyPair
	used         bool // the next key signs
	inProgress   bool
	certificates []*x509.Certificate // what the metadata shows
}

// PublishNextKey makes a second signing key and shows it in the metadata beside the first, as an
// identity provider does ahead of a change of certificates.
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
	a.rollover = rollover{next: next, inProgress: true, certificates: []*x509.Certificate{first.certificate, next.certificate}}
	return nil
}

// UseNextKey has responses signed with the key of PublishNextKey.
func (a *Application) UseNextKey() error { return a.roll(func(r *rollover) { r.used = true }) }

// RetireFirstKey takes the first key out of the metadata, and signs with the next one.
func (a *Application) RetireFirstKey() error {
	return a.roll(func(r *rollover) {
		r.used, r.certificates = true, []*x509.Certificate{r.next.certificate}
	})
}

func (a *Application) roll(change func(*rollover)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.rollover.inProgress {
		return errors.New("no next key was published")
	}
	change(&a.rollover)
	return nil
}

// signing returns the key that signs now.
func (a *Application) signing() (keyPair, error) {
	a.mu.Lock()
	r := a.rollover
	a.mu.Unlock()
	if r.used {
		return r.next, nil
	}
	return a.keys()
}

// published returns the certificates that the metadata shows; none if no key could be made.
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
