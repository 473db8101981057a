package model

// Page is a place in a list that is ordered by creation, and how much of it is
// wanted. Before and After are stored ids; at most one of them is given.
type Page struct {
	Before    string
	After     string
	Limit     int
	Ascending bool // oldest first; the newest come first otherwise
}

// PageInfo holds the ids with which the neighboring pages are asked for; an
// empty one says that there is nothing on that side.
type PageInfo struct {
	Before string
	After  string
}

func (p Page) Cursor() string { return p.Before + p.After }

// CursorName is the field in which the cursor was given.
func (p Page) CursorName() string {
	if p.Before != "" {
		return "before"
	}
	return "after"
}
