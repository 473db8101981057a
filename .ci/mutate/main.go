// Mutate changes one operator of a package at a time, and looks whether the package's own tests notice:
//
//	go run .ci/mutate/*.go [-files a.go,b.go] sso/saml scim/filter …
//
// The changes are those that gremlins makes by default (github.com/go-gremlins/gremlins). All of them
// are compiled into one test program, which makes the one whose number is in its environment: then a
// change costs only the tests that reach it, and conditions of a case, which Go's coverage does not
// list, are changed as well. What cannot be chosen while the program runs, such as an operator of a
// constant, is compiled by itself.
//
// Tests on PostgreSQL are passed over, because the same tests run on SQLite and take less time there.
// A change that no test notices must stand in .ci/mutants with the reason why it does no harm. Fails
// where another one survives, where fewer than 95 % of what tests reach are noticed, or where tests
// reach fewer than 90 %.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// memory is what a changed program may use; a loop without end may fill it.
const memory = 4 << 30

func main() {
	log.SetFlags(0)
	files := flag.String("files", "", "only these `files` of the packages, separated by commas")
	workers := flag.Int("workers", 1, "how many changes are tried at once")
	flag.Parse()
	limit := syscall.Rlimit{Cur: memory, Max: memory}
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &limit); err != nil {
		log.Fatal(err)
	}
	reasons := explained()
	passed := true
	for _, pkg := range flag.Args() {
		var only []string
		if *files != "" {
			only = strings.Split(*files, ",")
		}
		ok, err := walk(path.Clean(pkg), only, *workers, reasons)
		if err != nil {
			log.Fatalf("%s: %v", pkg, err)
		}
		passed = passed && ok
	}
	if !passed {
		os.Exit(1)
	}
}

// explained returns the reasons of .ci/mutants: file, kind and line without indent, and the reason.
func explained() map[[3]string]string {
	text, err := os.ReadFile(".ci/mutants")
	if err != nil {
		log.Fatal(err)
	}
	reasons := map[[3]string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		column := strings.Split(line, " | ")
		if len(column) != 4 {
			log.Fatalf(".ci/mutants: not four columns: %s", line)
		}
		reasons[[3]string(column[:3])] = column[3]
	}
	return reasons
}

// walk changes a package, prints what survives and the figures, and reports whether it passes.
func walk(pkg string, only []string, workers int, reasons map[[3]string]string) (bool, error) {
	folder, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	p, err := build(pkg, only, folder)
	if err != nil {
		return false, err
	}
	if err := p.measure(); err != nil {
		return false, err
	}
	fmt.Printf("%s: %d changes, %d tests\n", pkg, len(p.mutants), len(p.tests))
	p.tryAll(workers, reasons)
	return p.report(only, reasons), nil
}

// tryAll makes each change, and prints those that survive at once.
func (p *program) tryAll(workers int, reasons map[[3]string]string) {
	queue := make(chan *mutant)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for m := range queue {
				p.try(m)
				if _, known := reasons[m.place()]; m.fate.lives() && !known {
					fmt.Printf("%s:%d:%d %s %s: %s\n", m.file, m.line, m.column, m.kind, m.fate, m.source)
				}
			}
		})
	}
	for _, m := range p.mutants {
		queue <- m
	}
	close(queue)
	group.Wait()
}

// report prints the figures, and reports whether they are good enough.
func (p *program) report(only []string, reasons map[[3]string]string) bool {
	n, harmless, unexplained := map[fate]int{}, 0, 0
	lives := map[[3]string]bool{}
	for _, m := range p.mutants {
		n[m.fate]++
		if !m.fate.lives() {
			continue
		}
		lives[m.place()] = true
		if _, known := reasons[m.place()]; known {
			harmless++
		} else {
			unexplained++
		}
	}
	all := n[killed] + n[lived] + n[unreached]
	reached := all - n[unreached]
	efficacy, reach := 100*float64(n[killed])/float64(max(reached, 1)), 100*float64(reached)/float64(max(all, 1))
	fmt.Printf("%s: %d changes, %d noticed, %d survive, %d not reached, %d of these explained; "+
		"%.1f %% of what tests reach are noticed, tests reach %.1f %%\n",
		p.pkg, all, n[killed], n[lived], n[unreached], harmless, efficacy, reach)
	stale := false
	for place := range reasons {
		if path.Dir(place[0]) == p.pkg && chosen(only, place[0]) && !lives[place] {
			fmt.Println("no longer survives; take it out of .ci/mutants:", strings.Join(place[:], " | "))
			stale = true
		}
	}
	return unexplained == 0 && !stale && efficacy >= 95 && reach >= 90
}

func chosen(only []string, file string) bool {
	return only == nil || slices.Contains(only, path.Base(file))
}
