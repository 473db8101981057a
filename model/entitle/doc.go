// Package entitle decides what the users of an organization have in the application, and keeps
// it so: licenses for accounts, places in groups of these accounts, and the role of administrator.
//
// An organization's rules say which accounts each connection grants licenses for, which directory
// groups are mapped to which groups of accounts, and which directory group makes its members
// administrators. The package owns these rules and what follows from them: accounts with their
// seats, groups, mappings, licenses and group assignments. What a person assigned by hand is kept
// apart from what the rules grant.
//
// In enters one organization, Across the whole store. Other packages tell their transaction what
// they changed (Org.AffectsGroups, and Affects of the tenant package); Org.SettleEntitlements then
// ends the transaction by recomputing the affected users. A change of the rules concerns everybody:
// the Recomputer carries it out afterwards, some users at a time. Org.Preview says what proposed
// rules would change, before anybody makes them.
//
// The rules are written twice. decide.go has them in Go, for one user at a time: every transaction
// and every login uses it, and it alone decides what is written. decide_sql.go has them in SQL, as
// one statement that compares all users with the rules: without it, a preview, and the search for
// the users that new rules affect, would read a hundred thousand users into memory to find the few
// that change. TestComparisonAgreesWithRules, next to both, previews random rules by the SQL,
// carries them out by the Go code and compares the results.
package entitle
