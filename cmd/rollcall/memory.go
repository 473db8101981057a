package main

import (
	"log/slog"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// mostMemory is how many bytes the runtime aims to stay below, in a small container or none. It
	// is well above what the budgets of requests leave in use at once: without it, twice as much
	// would stay resident after a burst of large requests, for minutes.
	mostMemory = 400 << 20
	// memoryShare is the part of a container's memory that is used. SQLite, and what the system
	// keeps for connections, have the rest.
	memoryShare = 0.9
)

// limitMemory sets the memory limit of the runtime from that of the container, where that is less
// than mostMemory. An operator who sets GOMEMLIMIT decides instead.
func limitMemory(log *slog.Logger) {
	limit, err := memlimit.Set(memlimit.WithRatio(1), memlimit.WithProvider(func() (uint64, error) {
		return memoryLimit(memlimit.FromCgroup), nil
	}))
	if err != nil { // a setting of memlimit's own that it cannot read
		log.Warn("memory limit not set", "error", err)
		return
	}
	log.Info("memory limit", "bytes", limit)
}

// memoryLimit is the limit for a container. Where there is none, or the system does not say, it is
// mostMemory.
func memoryLimit(container memlimit.Provider) uint64 {
	limit, err := container()
	if err != nil {
		return mostMemory
	}
	return min(mostMemory, uint64(float64(limit)*memoryShare))
}
