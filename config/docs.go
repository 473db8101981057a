package config

import (
	"fmt"
	"strings"
)

// Docs returns the table of all settings in Markdown, for docs/operate.md.
func Docs() string {
	var b strings.Builder
	b.WriteString("| name | default | meaning |\n|---|---|---|\n")
	for _, s := range settings {
		fallback := "–"
		switch {
		case s.fallback != "":
			fallback = "`" + s.fallback + "`"
		case s.unset != "":
			fallback = s.unset
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.name, fallback, strings.ReplaceAll(s.doc, "|", `\|`))
	}
	return b.String()
}

// Example is a configuration file that sets nothing: every setting with its meaning and, commented
// out, its default. It can be used with --config, as systemd's EnvironmentFile
// and as Compose's env_file.
func Example() string {
	var b strings.Builder
	b.WriteString("# Settings of Rollcall, each with its default. This file is generated: change a copy.\n" +
		"# NAME_FILE=PATH, in place of NAME=VALUE, reads the value from a file.\n")
	for _, s := range settings {
		b.WriteString("\n")
		for _, line := range wrap(s.doc, 98) {
			b.WriteString("# " + line + "\n")
		}
		if s.unset != "" {
			b.WriteString("# Without a value: " + s.unset + ".\n")
		}
		b.WriteString("#" + s.name + "=" + s.fallback + "\n")
	}
	return b.String()
}

// wrap breaks text at spaces into lines of at most width bytes, longer words apart.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
