package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// Load reads the settings from environ, as os.Environ gives it, and from file, which may be empty
// for none. The environment wins over the file. In both a setting is given as NAME, or as NAME_FILE
// with the path of a file that holds the value; an empty value is the same as none.
//
// The error joins every problem there is, each with the name, what is wrong and what to write
// instead, and holds no secret value. Load writes nothing and reads only the files that are named.
func Load(environ []string, file string) (Config, error) {
	l := loader{given: map[string]bool{}, failed: map[string]bool{}, environ: map[string]string{}}
	sources := []source{l.readEnviron(environ), l.readFile(file)}
	for _, s := range sources {
		l.refuseUnknown(s)
	}
	var c Config
	for _, s := range settings {
		v, ok := l.value(s.name, sources)
		if !ok {
			v = value{text: s.fallback}
		}
		if v.text == "" {
			continue
		}
		l.given[s.name] = ok
		if err := parse(v.text, s.field(&c)); err != nil {
			l.report(s.name, v.place, err.Error())
		}
	}
	l.check(&c)
	if len(l.problems) > 0 {
		return Config{}, errors.Join(l.problems...)
	}
	return c, nil
}

// problem is one thing that is wrong with one setting.
type problem struct {
	name  string
	place string // the file of the value and its line; empty for the environment
	text  string
}

func (p *problem) Error() string {
	if p.place != "" {
		return fmt.Sprintf("%s (%s): %s", p.name, p.place, p.text)
	}
	return fmt.Sprintf("%s: %s", p.name, p.text)
}

// loader collects the problems of one Load.
type loader struct {
	problems []error
	given    map[string]bool // settings that the environment or the file gives a value
	failed   map[string]bool // settings that have a problem already

	environ map[string]string // what the driver of PostgreSQL reads of the environment
}

func (l *loader) report(name, place, text string) {
	l.failed[name] = true
	l.problems = append(l.problems, &problem{name: name, place: place, text: text})
}

// value is the text of a setting and where it was found.
type value struct{ text, place string }

// value finds the text of one setting in the first source that gives it.
func (l *loader) value(name string, sources []source) (value, bool) {
	for _, s := range sources {
		direct, byFile := s.values[name], s.values[name+fileSuffix]
		switch {
		case direct.text != "" && byFile.text != "":
			l.report(name, direct.place, fmt.Sprintf(
				"is given both as %s and as %s%s; write only one of them", name, name, fileSuffix))
			return value{}, false
		case byFile.text != "":
			text, err := readText(byFile.text)
			if err == nil && strings.TrimSpace(text) == "" {
				err = errors.New("is empty; write the value into it")
			}
			if err != nil {
				l.report(name+fileSuffix, byFile.place, fmt.Sprintf("the file %s %v", shownPath(byFile.text), err))
				l.failed[name] = true
				return value{}, false
			}
			return value{strings.TrimSpace(text), byFile.text}, true
		case direct.text != "":
			return direct, true
		}
	}
	return value{}, false
}

// shownPath is a path for a message. A path that is not absolute is not shown: the user may have
// given the secret itself to the variable with _FILE.
func shownPath(path string) string {
	if filepath.IsAbs(path) {
		return strconv.Quote(path)
	}
	return "that it names"
}
