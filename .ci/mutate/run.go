package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// withoutPostgres passes over the parts of tests that need PostgreSQL.
const withoutPostgres = "/^postgres$|//^postgres$|///^postgres$"

// A program is the tests of a package with all its changes compiled in.
type program struct {
	pkg, folder string
	sources     []*source
	mutants     []*mutant
	tests       []string
	cost        map[string]time.Duration
	reached     map[string]map[int]bool // by test
	alone       sync.Mutex
}

// build compiles the program. A line where the compiler refuses a change is changed alone.
func build(pkg string, only []string, folder string) (*program, error) {
	p := &program{pkg: pkg, folder: folder, cost: map[string]time.Duration{}, reached: map[string]map[int]bool{}}
	name, files, err := list(pkg)
	if err != nil {
		return nil, err
	}
	number := 0
	for _, file := range files {
		if !chosen(only, file) {
			continue
		}
		s, err := read(filepath.Join(pkg, file), &number)
		if err != nil {
			return nil, err
		}
		p.sources, p.mutants = append(p.sources, s), append(p.mutants, s.mutants...)
	}
	hookFile := filepath.Join(folder, "hook.go")
	if err := os.WriteFile(hookFile, fmt.Appendf(nil, hook, name, number+1), 0o600); err != nil {
		return nil, err
	}
	for range 20 {
		replace := map[string]string{filepath.Join(pkg, "ci_hook.go"): hookFile}
		for _, s := range p.sources {
			file := filepath.Join(folder, filepath.Base(s.file))
			if err := os.WriteFile(file, s.schemata(), 0o600); err != nil {
				return nil, err
			}
			replace[s.file] = file
		}
		refused, err := p.compile(p.binary(), replace)
		if err == nil {
			return p, nil
		}
		if !p.leave(refused) {
			return nil, fmt.Errorf("%w\n%s", err, refused)
		}
	}
	return nil, errors.New("too many lines cannot be changed")
}

// list returns the name of a package and its files.
func list(pkg string) (name string, files []string, err error) {
	out, err := exec.Command("go", "list", "-json=Name,GoFiles", "./"+pkg).Output()
	if err != nil {
		return "", nil, err
	}
	var found struct {
		Name    string
		GoFiles []string
	}
	err = json.Unmarshal(out, &found)
	return found.Name, found.GoFiles, err
}

func (p *program) binary() string { return filepath.Join(p.folder, "tests") }

// compile compiles the package's tests with other files in the place of its own.
func (p *program) compile(binary string, replace map[string]string) (output string, err error) {
	absolute := map[string]string{}
	for from, to := range replace {
		full, err := filepath.Abs(from)
		if err != nil {
			return "", err
		}
		absolute[full] = to
	}
	overlay, err := json.Marshal(map[string]any{"Replace": absolute})
	if err != nil {
		return "", err
	}
	file := binary + ".json"
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return "", err
	}
	compiler := exec.Command("go", "test", "-c", "-gcflags=-e", "-overlay", file, "-o", binary, "./"+p.pkg)
	out, err := compiler.CombinedOutput()
	return string(out), err
}

var complaint = regexp.MustCompile(`(?m)([\w.]+\.go):(\d+):\d+: `)

// leave marks the lines that the compiler refused, and reports whether there are new ones.
func (p *program) leave(output string) bool {
	found := false
	for _, match := range complaint.FindAllStringSubmatch(output, -1) {
		line, _ := strconv.Atoi(match[2])
		for _, s := range p.sources {
			if filepath.Base(s.file) == match[1] && !s.drop[line] {
				s.drop[line], found = true, true
			}
		}
	}
	return found
}

// measure runs each test by itself, and notes how long it takes and which changes it reaches.
func (p *program) measure() error {
	out, err := p.command(0, "-test.list", "^(Test|Fuzz|Example)").Output()
	if err != nil {
		return err
	}
	p.tests = strings.Fields(string(out))
	for _, test := range p.tests {
		file := filepath.Join(p.folder, "reach")
		command := p.command(0, "-test.run", exactly(test), "-test.skip", withoutPostgres)
		command.Env = append(command.Env, "MUTATE_REACH="+file)
		start := time.Now()
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s fails without a change: %w\n%s", test, err, out)
		}
		p.cost[test] = time.Since(start)
		lines, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		p.reached[test] = map[int]bool{}
		for _, word := range strings.Fields(string(lines)) {
			number, _ := strconv.Atoi(word)
			p.reached[test][number] = true
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

func exactly(tests ...string) string { return "^(" + strings.Join(tests, "|") + ")$" }

// command runs the program with a change.
func (p *program) command(number int, arguments ...string) *exec.Cmd {
	command := exec.Command(p.binary(), arguments...)
	command.Dir = p.pkg
	command.Env = append(os.Environ(), "MUTATE="+strconv.Itoa(number))
	return command
}

// try makes a change and notes what becomes of it.
func (p *program) try(m *mutant) {
	if m.alone {
		p.tryAlone(m)
		return
	}
	tests := slices.DeleteFunc(slices.Sorted(maps.Keys(p.reached)), func(test string) bool {
		return !p.reached[test][m.number]
	})
	if len(tests) == 0 {
		m.fate = unreached
		return
	}
	// What is quick and reaches little is about the change, and is tried first.
	slices.SortStableFunc(tests, func(a, b string) int { return cmp.Compare(p.breadth(a), p.breadth(b)) })
	m.fate = lived
	for few := 4; len(tests) > 0; few *= 4 {
		few = min(few, len(tests))
		if p.notices(p.binary(), m.number, tests[:few]) {
			m.fate = killed
			return
		}
		tests = tests[few:]
	}
}

func (p *program) breadth(test string) float64 {
	return p.cost[test].Seconds() * float64(len(p.reached[test]))
}

// notices tells whether tests fail, or do not end in time.
func (p *program) notices(binary string, number int, tests []string) bool {
	limit := 20 * time.Second
	for _, test := range tests {
		limit += 10 * p.cost[test]
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	command := exec.CommandContext(ctx, binary, "-test.failfast", "-test.run", exactly(tests...),
		"-test.skip", withoutPostgres)
	command.Dir = p.pkg
	command.Env = append(os.Environ(), "MUTATE="+strconv.Itoa(number))
	return command.Run() != nil
}

// tryAlone compiles one change and runs all tests.
func (p *program) tryAlone(m *mutant) {
	p.alone.Lock()
	defer p.alone.Unlock()
	m.fate = invalid
	text, err := m.changed()
	if err != nil {
		return
	}
	file, binary := filepath.Join(p.folder, "alone.go"), filepath.Join(p.folder, "alone")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return
	}
	if _, err := p.compile(binary, map[string]string{m.file: file}); err != nil {
		return
	}
	m.fate = lived
	if p.notices(binary, 0, p.tests) {
		m.fate = killed
	}
}
