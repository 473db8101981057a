// Package signon signs people in and ends that again.
//
// A sign-in begins with a Login that goes to an identity provider, or with a PasswordSignIn. It
// leads to a session for the browser and an authorization code for the application. The application
// exchanges the code for an access token, and reads the user's profile with it. A sign-out begins
// at the browser, at an application or at the identity provider, and ends the session.
//
// What the package promises:
//   - A login, a code and an assertion are accepted once, whatever replica they reach.
//   - Org.SignIn is one transaction, and a refused login has written nothing. Its error is a
//     *refusal.Error, for the login log.
//   - Which user a login belongs to is decided by one table (docs/design/identity.md, "Matching").
//   - Whether access has ended is decided by the statements that find a session. At each use they
//     check its user, connection and application (docs/design/identity.md, "Ended access").
//   - An application gets a profile only as docs/design/identity.md, "Disclosure", allows.
//   - Codes, tokens and the browser's values are stored as hashes. ID tokens, NameIDs and refused
//     responses are stored sealed.
//
// The operations of one organization are entered by In. Those that find the organization by a
// secret, such as Store.SessionByToken, are entered by Across.
//
// The package owns the rows of logins, accepted assertions, authorization codes, access tokens,
// single logouts, requests that wait at the login page, the login log and its responses. It also
// creates the sessions, whose rows are those of package people.
package signon
