package storetest

import (
	"fmt"
	"strings"
)

// Parameters is how many a statement has.
func Parameters(query string) int {
	n := 0
	for strings.Contains(query, fmt.Sprint("$", n+1)) {
		n++
	}
	return n
}
