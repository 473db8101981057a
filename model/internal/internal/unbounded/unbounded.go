// Package unbounded has the key to statements that see the rows of all organizations.
//
// Go lets only the packages below model/internal import it. Every other package needs package
// across for such a statement, and the drawing of the packages says which may import that one.
package unbounded

// Key is needed for a statement that sees the rows of all organizations. Its field has no name, so
// that no conversion of another type makes a Key.
type Key struct{ _ [0]func() }
