// Package pool has the connections to the database, and decides what a broken one may do.
//
// A commit runs to its end, whoever leaves meanwhile. What was read is told to nobody as lasting
// before a synchronous standby has it, where there is one. Each use of a connection takes a place,
// so that nobody waits for long and sign-ins go on under load.
package pool
