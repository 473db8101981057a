//go:build !linux

package pool

import (
	"syscall"
	"time"
)

// unacknowledgedFor has no limit to set on this system.
func unacknowledgedFor(time.Duration) func(network, address string, c syscall.RawConn) error {
	return nil
}
