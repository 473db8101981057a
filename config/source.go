package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"rollcall/model/spelling"
)

const (
	prefix     = "ROLLCALL_"
	fileSuffix = "_FILE"

	// maxFile bounds the files read, in bytes: a path that names something else by mistake, such
	// as a device, must not fill the memory.
	maxFile = 1 << 20
)

// source has the values of the environment or of the configuration file.
type source struct {
	values map[string]value
	names  []string // in the order of the source
}

func (s *source) put(name string, v value) {
	if _, again := s.values[name]; !again {
		s.names = append(s.names, name)
	}
	s.values[name] = v
}

func (l *loader) readEnviron(environ []string) source {
	s := source{values: map[string]value{}}
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, prefix) {
			s.put(name, value{text: strings.TrimSpace(text)})
		}
		if strings.HasPrefix(name, "PG") {
			l.environ[name] = text
		}
	}
	slices.Sort(s.names)
	return s
}

func (l *loader) readFile(path string) source {
	s := source{values: map[string]value{}}
	if path == "" {
		return s
	}
	text, err := readText(path)
	if err != nil {
		l.report("--config", "", fmt.Sprintf("the file %q %v", path, err))
		return s
	}
	for i, line := range strings.Split(strings.TrimPrefix(text, "\uFEFF"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		place := fmt.Sprintf("%s, line %d", path, i+1)
		name, text, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		// A line that is not understood may hold a secret, so the problem has only its number.
		if !ok || !settingName.MatchString(name) {
			l.report("--config", place, "is no setting; write NAME=VALUE, or # before a remark")
			continue
		}
		text, err := unquote(strings.TrimSpace(text))
		if err != nil {
			l.report(name, place, err.Error())
			continue
		}
		if _, again := s.values[name]; again {
			l.report(name, place, "stands twice in this file; write it once")
			continue
		}
		s.put(name, value{text, place})
	}
	return s
}

// settingName matches names, and no secret. A broken line may have a secret to the left of its "=":
// keys in base64 and API keys are longer than a name, and URLs have other characters.
var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,30}$`)

// unquote removes one pair of quotes. Shells and systemd need quotes around some values.
func unquote(text string) (string, error) {
	if text == "" || !strings.ContainsRune(`"'`, rune(text[0])) {
		return text, nil
	}
	if len(text) < 2 || text[len(text)-1] != text[0] {
		return "", errors.New("the value begins with a quote and does not end with it; " +
			"write both quotes or none, and remarks on lines of their own")
	}
	return strings.TrimSpace(text[1 : len(text)-1]), nil
}

// readText reads a small file. The error continues a sentence that begins with the path.
func readText(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		// Without the operation and the path, which the sentence has already.
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err
		}
		return "", fmt.Errorf("cannot be opened (%w); write the path of a file this process may read", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", errors.New("cannot be read; write the path of a file")
	}
	if len(b) > maxFile {
		return "", errors.New("is larger than 1 MiB; write the path of a small text file")
	}
	return string(b), nil
}

// serviceLink is the form of the variables that Kubernetes sets in every pod for a Service named
// "rollcall", and Docker for a linked container of that name.
var serviceLink = regexp.MustCompile(`^ROLLCALL_(SERVICE_(HOST|PORT)(_|$)|PORT(_\d+_(TCP|UDP)|$)|NAME$|ENV_)`)

func (l *loader) refuseUnknown(s source) {
	var known []string
	for _, d := range settings {
		known = append(known, d.name, d.name+fileSuffix)
	}
	for _, name := range s.names {
		place := s.values[name].place
		switch {
		case slices.Contains(known, name):
		case place == "" && serviceLink.MatchString(name):
			l.report(name, place, "is no setting of Rollcall; Kubernetes sets it for a Service named "+
				"rollcall: write enableServiceLinks: false into the pod's spec")
		default:
			l.report(name, place, "is no setting of Rollcall; write "+spelling.Nearest(name, known)+
				" if that is meant, or take it out")
		}
	}
}
