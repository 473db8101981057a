// Package storetest has what the tests of several packages of the model share: organizations, users
// and logins that are made in one call, checks, and a look into the inside of the store.
//
// A House is an organization with a directory and a connection. A Suite is a House with an account.
// An Estate is an organization with a row of every kind, for the tests of isolation. Opened is what
// one login opens.
package storetest
