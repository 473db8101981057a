package web_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// color is red, green and blue.
type color [3]float64

// luminance is the relative luminance of WCAG 2.2.
func (c color) luminance() float64 {
	for i, v := range c {
		if v /= 255; v <= 0.04045 {
			c[i] = v / 12.92
		} else {
			c[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2]
}

func contrast(a, b color) float64 {
	high, low := a.luminance(), b.luminance()
	if high < low {
		high, low = low, high
	}
	return (high + 0.05) / (low + 0.05)
}

// tokens reads the colors of rollcall.css: the light one and the dark one of each name.
func tokens(t *testing.T) map[string][2]color {
	t.Helper()
	text, err := os.ReadFile("assets/rollcall.css")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][2]color{}
	line := regexp.MustCompile(`(?m)^\s+--([a-z-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\);$`)
	for _, found := range line.FindAllSubmatch(text, -1) {
		var pair [2]color
		for theme, hex := range found[2:] {
			n, err := strconv.ParseUint(string(hex), 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			pair[theme] = color{float64(n >> 16), float64(n >> 8 & 255), float64(n & 255)}
		}
		all[string(found[1])] = pair
	}
	return all
}

// TestColorsCanBeTold computes the contrast of what stands on what, in both themes: 4.5 for text
// and 3 for the borders of fields, for bars and for the outline of the focus (WCAG 2.2, criteria
// 1.4.3 and 1.4.11). Checkers in browsers see text only.
func TestColorsCanBeTold(t *testing.T) {
	t.Parallel()
	colors := tokens(t)
	needs := []struct {
		on    []string
		least float64
		front []string
	}{
		{[]string{"ground", "surface", "sunken"}, 4.5,
			[]string{"ink", "quiet", "brand", "brand-over", "ok", "warn", "bad", "info"}},
		{[]string{"brand-soft"}, 4.5, []string{"ink", "quiet", "brand", "brand-over"}},
		{[]string{"ok-soft"}, 4.5, []string{"ink", "ok"}},
		{[]string{"warn-soft"}, 4.5, []string{"ink", "warn", "brand"}},
		{[]string{"bad-soft"}, 4.5, []string{"ink", "bad", "brand"}},
		{[]string{"info-soft"}, 4.5, []string{"ink", "info", "brand"}},
		{[]string{"brand", "brand-over"}, 4.5, []string{"on-brand"}},
		{[]string{"bad"}, 4.5, []string{"on-bad"}},
		{[]string{"ground", "surface", "sunken"}, 3, []string{"control", "brand", "bad"}},
	}
	told := map[string]bool{"line": true} // decoration
	for _, need := range needs {
		for _, on := range need.on {
			for _, front := range need.front {
				told[on], told[front] = true, true
				for theme, name := range []string{"light", "dark"} {
					back, known := colors[on]
					text, knownToo := colors[front]
					if !known || !knownToo {
						t.Fatalf("there is no token %s or none %s", on, front)
					}
					if got := contrast(back[theme], text[theme]); got < need.least {
						t.Errorf("%s on %s, %s: %.2f, want %.1f", front, on, name, got, need.least)
					}
				}
			}
		}
	}
	for name := range colors {
		if !told[name] {
			t.Errorf("nothing says what %s stands on", name)
		}
	}
	if black, white := (color{}), (color{255, 255, 255}); math.Abs(contrast(black, white)-21) > 1e-9 {
		t.Errorf("black on white is %v", contrast(black, white))
	}
}
