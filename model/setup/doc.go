// Package setup holds the links with which a customer's IT connects its identity provider without
// an account, the visits to them, and what was done in the steps of the set-up.
package setup
