package model

import (
	"strings"
	"unicode/utf8"
)

func ValidName(name string) error {
	if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > 200 {
		return Invalidf("name", "name is required and has at most 200 characters")
	}
	if !Storable(name) {
		return Invalidf("name", "name is text in UTF-8 without U+0000")
	}
	return nil
}
