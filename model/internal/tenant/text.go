package tenant

import (
	"strings"
	"time"

	"golang.org/x/text/width"

	"rollcall/model"
)

// Limits of texts.
const (
	// MaxIndexed is the most bytes of a value that an index must hold.
	MaxIndexed = 1024
	// maxLogged is the most characters that a log keeps of one text that others sent.
	maxLogged = 500
)

// Keepable tells whether an index can hold a text and its folded form.
func Keepable(text string) bool {
	return model.Storable(text) && len(text) <= MaxIndexed && len(model.Fold(text)) <= MaxIndexed
}

// Clipped returns a text that others sent in a form that can be stored, and not longer than the log
// keeps.
func Clipped(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "�"), "�")
	r := []rune(text)
	if len(r) > maxLogged {
		return string(r[:maxLogged]) + "…"
	}
	return text
}

// FoldText returns the form in which a text of a document is compared: a moment in UTC, any other
// text folded. PostgreSQL cannot store U+0000 in jsonb.
func FoldText(s string) string {
	if t, ok := ParseMoment(s); ok {
		return t.UTC().Format(MomentLayout)
	}
	return strings.ReplaceAll(model.Fold(s), "\x00", "\ufffd")
}

// FoldName returns the form in which a userName is compared: full-width and half-width characters
// are mapped to the usual ones before it is folded, as in PRECIS (RFC 8265, section 3.3).
func FoldName(s string) string { return model.Fold(width.Fold.String(s)) }

// MomentLayout is the layout of folded moments: their texts sort like the moments, and it is
// otherwise as close as possible to what clients send.
const MomentLayout = "2006-01-02t15:04:05.999999999"

// ParseMoment reads an xsd:dateTime (RFC 7643 §2.3.5). One without a zone counts as UTC.
func ParseMoment(s string) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04:05") || s[4] != '-' || s[10]|0x20 != 't' {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, strings.ToUpper(s)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
