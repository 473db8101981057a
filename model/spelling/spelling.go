// Package spelling finds the name that somebody meant who wrote one that is not known.
package spelling

import (
	"slices"
	"strings"
)

// Nearest returns the known name that takes the fewest edits to reach.
func Nearest(name string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int { return edits(name, a) - edits(name, b) })
}

// Suggest returns up to n of the known names that somebody may have meant by name, nearest first:
// those that differ in few characters, and those that have name in them.
func Suggest(name string, known []string, n int) []string {
	folded := strings.ToLower(name)
	distance := func(k string) int { return edits(folded, strings.ToLower(k)) }
	var near []string
	for _, k := range known {
		if distance(k) <= 1+min(len(k), len(name))/4 || len(name) > 3 && strings.Contains(strings.ToLower(k), folded) {
			near = append(near, k)
		}
	}
	slices.SortStableFunc(near, func(a, b string) int { return distance(a) - distance(b) })
	return near[:min(n, len(near))]
}

// longest is how many bytes of a name are compared.
const longest = 100

// edits is the Levenshtein distance: how many bytes to insert, drop or replace to turn a into b.
func edits(a, b string) int {
	a, b = a[:min(longest, len(a))], b[:min(longest, len(b))]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
