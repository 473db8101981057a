package model

import "strings"

const (
	// maxIndexed is the most bytes that a value may have which an index must hold.
	maxIndexed = 1024
	// maxLogged is the most characters that the login log keeps of one thing that was sent.
	maxLogged = 500
)

// keepable tells whether an index holds a text, also when it is folded.
func keepable(text string) bool {
	return storable(text) && len(text) <= maxIndexed && len(Fold(text)) <= maxIndexed
}

// clipped bounds a text that somebody else sent, and makes it one that can be stored.
func clipped(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "�"), "�")
	r := []rune(text)
	if len(r) > maxLogged {
		return string(r[:maxLogged]) + "…"
	}
	return text
}
