package model

import (
	"strings"
	"unicode"
)

// Trimmed returns a text without what cannot be seen at its ends: white space, and the format
// characters that are copied along from tables and web pages. Identifiers and addresses that people
// paste are compared exactly later.
func Trimmed(text string) string { return strings.TrimFunc(text, unseen) }

func unseen(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }
