package model

// Page is a place in a list that is ordered by creation, and how many rows of it are wanted. Before
// and After are stored ids. At most one of them is given.
type Page struct {
	Before    string
	After     string
	Limit     int
	Ascending bool // oldest first instead of newest first
}

// Cursor returns the id that was given, if any.
func (p Page) Cursor() string { return p.Before + p.After }

// CursorName returns the name of the field with the cursor.
func (p Page) CursorName() string {
	if p.Before != "" {
		return "before"
	}
	return "after"
}

// PageInfo has the ids for asking for the neighboring pages. An empty id means that there is no
// page on that side.
type PageInfo struct {
	Before string
	After  string
	// Resumed says of a page of events that the event of the cursor is gone: the page begins some
	// minutes before it, and may have events again.
	Resumed bool
}
