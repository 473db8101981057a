package main

// hook is a file that is added to the package. ciOn tells whether a change is to be made, and notes
// in the file of MUTATE_REACH that a test came by.
const hook = `package %s

import (
	ciCmp "cmp"
	ciFmt "fmt"
	ciOS "os"
	ciStrconv "strconv"
	ciAtomic "sync/atomic"
)

var (
	ciActive, _  = ciStrconv.Atoi(ciOS.Getenv("MUTATE"))
	ciReach, _   = ciOS.OpenFile(ciOS.Getenv("MUTATE_REACH"), ciOS.O_APPEND|ciOS.O_WRONLY|ciOS.O_CREATE, 0o600)
	ciReached [%d]ciAtomic.Bool
)

func ciOn(number int) bool {
	if ciReach != nil && !ciReached[number].Swap(true) {
		_, _ = ciFmt.Fprintln(ciReach, number)
	}
	return number == ciActive
}

type ciNumber interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

type ciWhole interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

func ciLess[T ciCmp.Ordered](number int, a, b T) bool {
	if ciOn(number) {
		return a <= b
	}
	return a < b
}

func ciAtMost[T ciCmp.Ordered](number int, a, b T) bool {
	if ciOn(number) {
		return a < b
	}
	return a <= b
}

func ciMore[T ciCmp.Ordered](number int, a, b T) bool {
	if ciOn(number) {
		return a >= b
	}
	return a > b
}

func ciAtLeast[T ciCmp.Ordered](number int, a, b T) bool {
	if ciOn(number) {
		return a > b
	}
	return a >= b
}

func ciAdd[T ciNumber](number int, a, b T) T {
	if ciOn(number) {
		return a - b
	}
	return a + b
}

func ciSub[T ciNumber](number int, a, b T) T {
	if ciOn(number) {
		return a + b
	}
	return a - b
}

func ciMul[T ciNumber](number int, a, b T) T {
	if ciOn(number) {
		return a / b
	}
	return a * b
}

func ciQuo[T ciNumber](number int, a, b T) T {
	if ciOn(number) {
		return a * b
	}
	return a / b
}

func ciRem[T ciWhole](number int, a, b T) T {
	if ciOn(number) {
		return a * b
	}
	return a %% b
}

func ciNegative[T ciNumber](number int, a T) T {
	if ciOn(number) {
		return a
	}
	return -a
}

func ciOne(number int) int {
	if ciOn(number) {
		return -1
	}
	return 1
}
`
