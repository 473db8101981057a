// Package operator has what reaches the whole installation: the operators who run it, the removal
// of expired rows, and the creation, change and deletion of organizations.
//
// An Operator belongs to no organization. Operators are created by the command line, which prints a
// one-time password. They sign in to the console by their passwords, and each OperatorSession ends
// after half an hour without a request, or after twelve hours.
//
// An organization is changed here, and not in package organization, because of what follows from it
// in the packages of users, connections and sessions.
//
// In returns the Org with the methods that update and delete one organization. Across returns the
// Store with all other methods. OrganizationOf finds the organization of any id of the API, limited
// by a scope. Sweep may run at any time and on any replica.
//
// The package owns the tables operators and operator_sessions.
package operator
