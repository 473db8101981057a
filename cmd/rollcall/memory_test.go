package main

import (
	"errors"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestMemoryLimitIsThatOfTheContainer(t *testing.T) {
	t.Parallel()
	failing := func() (uint64, error) { return 0, errors.New("no such file") }
	for name, test := range map[string]struct {
		container memlimit.Provider
		want      uint64
	}{
		"a small container":     {memlimit.Limit(256 << 20), (256 << 20) * 9 / 10},
		"a large container":     {memlimit.Limit(8 << 30), mostMemory},
		"a container without":   {func() (uint64, error) { return 0, memlimit.ErrNoLimit }, mostMemory},
		"a system without them": {failing, mostMemory},
	} {
		got := memoryLimit(test.container)
		if got/10 != test.want/10 {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
