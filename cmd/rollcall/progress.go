package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// progress is a line that shows the progress of some work. On a terminal it is drawn at each step.
// Elsewhere it is written once, at the end.
type progress struct {
	out         io.Writer
	title       string
	done, total int
}

const progressWidth = 28

func (b *progress) set(done, total int) {
	b.done, b.total = done, total
	if isTerminal(b.out) {
		fmt.Fprint(b.out, "\r"+b.line())
	}
}

// end writes the final line, unless the work never began.
func (b *progress) end() {
	if b.total == 0 {
		return
	}
	start := ""
	if isTerminal(b.out) {
		start = "\r"
	}
	fmt.Fprintln(b.out, start+b.line())
}

func (b *progress) line() string {
	filled := 0
	if b.total > 0 {
		filled = progressWidth * b.done / b.total
	}
	return fmt.Sprintf("  %-34s %s%s %3d of %d steps", b.title,
		strings.Repeat("█", filled), strings.Repeat("░", progressWidth-filled), b.done, b.total)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
