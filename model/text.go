package model

import (
	"strings"
)

const (
	// MaxIndexed is the most bytes that a value may have which an index must hold.
	MaxIndexed = 1024
	// maxLogged is the most characters that the login log keeps of one thing that was sent.
	maxLogged = 500
)

// Keepable tells whether an index holds a text, also when it is folded.
func Keepable(text string) bool {
	return Storable(text) && len(text) <= MaxIndexed && len(Fold(text)) <= MaxIndexed
}

// Clipped bounds a text that somebody else sent, and makes it one that can be stored.
func Clipped(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "�"), "�")
	r := []rune(text)
	if len(r) > maxLogged {
		return string(r[:maxLogged]) + "…"
	}
	return text
}
