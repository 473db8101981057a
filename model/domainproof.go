package model

import (
	"time"
)

func Later(now Time, d time.Duration) *Time {
	t := now + Time(d.Milliseconds())
	return &t
}
