package provider

import (
	"sync"
	"time"
)

// kept is what was read from the database last, for requests of strangers among others. All
// replicas have the same after a while.
type kept[T any] struct {
	mu    sync.Mutex
	value T
	read  time.Time
	known bool
}

// get returns the value, and reads it first if it is as old as most.
func (k *kept[T]) get(now time.Time, most time.Duration, read func() (T, error)) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if age := now.Sub(k.read); k.known && age >= 0 && age < most {
		return k.value, nil
	}
	value, err := read()
	if err != nil {
		return value, err
	}
	k.value, k.read, k.known = value, now, true
	return value, nil
}
