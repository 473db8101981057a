package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// measure prints a table for each number of connections.
func (b *bench) measure() error {
	for _, n := range b.connections {
		fmt.Printf("\n%d connections, median of %d rounds of %s; CPU in ms of a request, server + database\n\n",
			n, b.rounds, b.lasting)
		b.head()
		for _, w := range workloads() {
			if !b.only.MatchString(w.name) {
				continue
			}
			if err := b.row(w, n); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
	}
	return nil
}

// head prints the head of a table.
func (b *bench) head() {
	titles := []string{"workload"}
	for _, t := range b.targets {
		titles = append(titles, t.name+"/s", "CPU")
		switch t.name {
		case pgName:
			titles = append(titles, "× floor", "goal")
		case sqliteName:
			titles = append(titles, "× floor")
		case grownName:
			titles = append(titles, "growth")
		}
	}
	fmt.Printf("| %s |\n|%s\n", strings.Join(titles, " | "), strings.Repeat("---|", len(titles)))
}

// row measures one workload on all targets in turn, and prints a row of the table.
func (b *bench) row(w workload, n int) error {
	samples := map[*target][]sample{}
	next := map[*target]func(int) call{}
	for _, t := range b.targets {
		if w.size == 0 || t.groups[w.size] != nil {
			next[t] = w.next(t, n)
		}
	}
	for range b.rounds {
		for _, t := range b.targets {
			if next[t] == nil {
				continue
			}
			s, err := t.load(n, b.lasting, next[t])
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			samples[t] = append(samples[t], s)
		}
	}
	cells := []string{w.name}
	measured := map[string]sample{}
	for _, t := range b.targets {
		s := median(samples[t])
		measured[t.name] = s
		cells = append(cells, t.cells(w, s, measured)...)
	}
	fmt.Printf("| %s |\n", strings.Join(cells, " | "))
	return nil
}

// cells returns the cells of a row for one target. measured has the samples of the targets before
// it.
func (t *target) cells(w workload, s sample, measured map[string]sample) []string {
	cells := []string{"–", "–"}
	if s.rate > 0 {
		cost := fmt.Sprintf("%s = %s + %s", ms(s.cpu()), ms(s.server), ms(s.database))
		cells = []string{fmt.Sprintf("%.0f", s.rate), cost}
	}
	switch t.name {
	case pgName:
		cells = append(cells, ratio(s, measured[floorName]), fmt.Sprintf("≤ %g", w.goal))
	case sqliteName:
		cells = append(cells, ratio(s, measured[floorName]))
	case grownName:
		cells = append(cells, ratio(s, measured[pgName]))
	}
	return cells
}

// ms prints a duration in milliseconds.
func ms(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()*1000) }

// ratio prints the cost of s as a multiple of another's.
func ratio(s, of sample) string {
	if s.rate == 0 || of.cpu() == 0 {
		return "–"
	}
	return fmt.Sprintf("**%.2f**", s.cpu().Seconds()/of.cpu().Seconds())
}

// median returns the sample with the median CPU time, so that its figures belong together. It
// returns the zero sample for an empty list.
func median(list []sample) sample {
	if len(list) == 0 {
		return sample{}
	}
	slices.SortFunc(list, func(a, b sample) int { return int(a.cpu() - b.cpu()) })
	return list[len(list)/2]
}

// starts prints the memory of the measured processes, and how fast the program starts on a database
// whose schema is current.
func (b *bench) starts() error {
	fmt.Print("\n| server | peak MiB | idle MiB | start to the first 200, ms | CPU of it, ms |\n" +
		"|---|---|---|---|---|\n")
	for _, t := range b.targets {
		_, peak, err := memory(t.command.Process.Pid)
		if err != nil {
			return err
		}
		// The floor does not handle the signal, so that its exit is an error.
		if err := t.stop(); err != nil && t.name != floorName {
			return fmt.Errorf("stop %s: %w", t.name, err)
		}
		if t.name == floorName {
			fmt.Printf("| %s | %.0f | – | – | – |\n", t.name, peak)
			continue
		}
		var took, worked []time.Duration
		var idle float64
		for range max(b.rounds, 3) {
			d, err := t.startRollcall(b.program, b.folder, t.url)
			if err != nil {
				return err
			}
			used, err := cpu(t.command.Process.Pid)
			if err != nil {
				return err
			}
			took, worked = append(took, d), append(worked, used)
			time.Sleep(time.Second)
			if idle, _, err = memory(t.command.Process.Pid); err != nil {
				return err
			}
			if err := t.stop(); err != nil {
				return fmt.Errorf("stop %s: %w", t.name, err)
			}
		}
		slices.Sort(took)
		slices.Sort(worked)
		fmt.Printf("| %s | %.0f | %.0f | %s | %s |\n",
			t.name, peak, idle, ms(took[len(took)/2]), ms(worked[len(worked)/2]))
	}
	return nil
}

// startFloor starts this program again as the floor.
func (t *target) startFloor(folder string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	_, err = t.start("/ready", folder+"/floor.log", floorCommand(self, t.url))
	return err
}
