// Package unbounded has the key to statements that see all organizations.
//
// Go lets only the packages below model/internal import it, so that no other package can look across
// organizations without package across, which says what it is for.
package unbounded

// Key is needed to make a statement that sees all organizations. Its field makes it a type that no
// other package can write down.
type Key struct{ _ [0]func() }
