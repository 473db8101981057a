package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// BenchmarkStart measures the released program on a SQLite database whose schema is current: from
// its start to its first 200 on /readyz, what it keeps in memory when idle, and its size on disk.
func BenchmarkStart(b *testing.B) {
	folder := b.TempDir()
	binary := filepath.Join(folder, "rollcall")
	build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		b.Fatal(err)
	}
	start := func() (process *exec.Cmd, took time.Duration) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		address := l.Addr().String()
		_ = l.Close()
		c := exec.Command(binary, "serve")
		c.Dir, c.Env = folder, []string{"ROLLCALL_LISTEN=" + address}
		began := time.Now()
		if err := c.Start(); err != nil {
			b.Fatal(err)
		}
		for time.Since(began) < 30*time.Second {
			if answer, err := http.Get("http://" + address + "/readyz"); err == nil {
				_ = answer.Body.Close()
				if answer.StatusCode == http.StatusOK {
					return c, time.Since(began)
				}
			}
			time.Sleep(time.Millisecond)
		}
		_ = c.Process.Kill()
		b.Fatal("the server is not ready after 30 s")
		return nil, 0
	}
	stop := func(c *exec.Cmd) {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			b.Errorf("after SIGTERM: %v", err)
		}
	}
	c, _ := start() // migrates
	stop(c)

	var took time.Duration
	var resident int
	for b.Loop() {
		c, t := start()
		took += t
		b.StopTimer()
		time.Sleep(time.Second)
		if resident, err = residentMemory(c.Process.Pid); err != nil {
			b.Error(err)
		}
		stop(c)
		b.StartTimer()
	}
	b.ReportMetric(0, "ns/op") // the loop does more than start
	b.ReportMetric(float64(took.Microseconds())/1000/float64(b.N), "ms/start")
	b.ReportMetric(float64(resident)/1024, "MiB-idle")
	b.ReportMetric(float64(info.Size())/(1<<20), "MiB-binary")
}

// residentMemory is the resident memory of a process, in KiB.
func residentMemory(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		if fields := bytes.Fields(lines.Bytes()); len(fields) > 1 && string(fields[0]) == "VmRSS:" {
			return strconv.Atoi(string(fields[1]))
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", pid)
}
