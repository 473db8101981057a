package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// The figures of a process come from /proc. Other processes on the machine change the number of
// requests per second, but hardly the CPU time of a request.

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every Linux.
const tick = 10 * time.Millisecond

// stat has the figures of a process in /proc/PID/stat.
type stat struct {
	parent   int           // id of the parent process
	own      time.Duration // user and system time
	children time.Duration // the same of the children that have ended
}

// statOf reads the figures of a process.
func statOf(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	// The second field is the program's name in parentheses. It may contain spaces and parentheses.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	number := func(i int) int64 {
		n, err2 := strconv.ParseInt(string(fields[i]), 10, 64)
		if err2 != nil {
			err = err2
		}
		return n
	}
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	s := stat{
		parent:   int(number(1)),
		own:      time.Duration(number(11)+number(12)) * tick,
		children: time.Duration(number(13)+number(14)) * tick,
	}
	return s, err
}

// cpu returns the CPU time of a process and all its children.
func cpu(pid int) (time.Duration, error) {
	s, err := statOf(pid)
	if err != nil {
		return 0, err
	}
	total := s.own + s.children
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		child, err := strconv.Atoi(filepath.Base(name))
		if err != nil {
			continue
		}
		if c, err := statOf(child); err == nil && c.parent == pid { // an error if it has just ended
			total += c.own
		}
	}
	return total, nil
}

// memory returns the resident memory of a process in MiB: now, and its peak.
func memory(pid int) (resident, peak float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(string(fields[1]), 64)
		switch string(fields[0]) {
		case "VmRSS:":
			resident = kib / 1024
		case "VmHWM:":
			peak = kib / 1024
		}
	}
	if peak == 0 {
		return 0, 0, fmt.Errorf("process %d says nothing of its memory", pid)
	}
	return resident, peak, nil
}
