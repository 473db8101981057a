package sso

import (
	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/model/signon"
)

// Why a connection signs nobody in, for the login log.
var (
	errDraft = &refusal.Error{Reason: refusal.ConnectionIsDraft,
		Expected: "a connection that was tested", Received: "a draft"}
	errInactive = &refusal.Error{Reason: refusal.ConnectionIsInactive,
		Expected: "a connection that is switched on", Received: "one that is switched off"}
	errUnfinished = &refusal.Error{Reason: refusal.ConnectionUnfinished,
		Expected: "a connection that knows its identity provider", Received: "one that does not yet"}
)

// testsOnly tells whether a connection serves tests only, until somebody switches it on.
func testsOnly(c *connection.Connection) bool {
	return c.State == connection.ConnectionDraft && c.ActivatedByHand
}

// servesLogin returns why a connection does not take the answer to a login, or nil if it does. It
// takes the answer to a test whatever its state is.
func servesLogin(c *connection.Connection, l *signon.Login) error {
	if l.TestID != "" && c.HasProvider() {
		return nil
	}
	return serves(c, l.ApplicationID == nil)
}

// serves returns why a connection serves no login, or nil if it serves one. A draft serves a login
// that no application asked for, unless it serves tests only.
func serves(c *connection.Connection, own bool) error {
	switch {
	case c.State == connection.ConnectionInactive:
		return errInactive
	case !c.HasProvider():
		return errUnfinished
	case c.State == connection.ConnectionDraft && (!own || testsOnly(c)):
		return errDraft
	}
	return nil
}

// begins is serves for the page of somebody who opens the login address of a connection. Nothing
// came from the identity provider, so that the login log has no line about it.
func begins(c *connection.Connection) error {
	switch serves(c, true) {
	case errInactive:
		return model.Deniedf("Single sign-on over this connection is switched off. Ask your administrator.")
	case errUnfinished:
		return model.Deniedf("This connection does not know its identity provider yet. Finish setting it up, then " +
			"open this address again.")
	}
	return nil
}

// unlinked is the error for an application that asks for a login at a connection that serves none.
func unlinked(c *connection.Connection) error {
	switch serves(c, false) {
	case nil:
		return nil
	case errInactive:
		return &oauthError{"connection_unlinked", "this connection is switched off; its state can be set to active"}
	case errUnfinished:
		return &oauthError{"connection_unlinked", "this connection does not know its identity provider yet"}
	}
	return &oauthError{"connection_unlinked", "nobody has tested this connection yet, or switched it on since; one " +
		"login at its test link tests it"}
}
