package main

import (
	"context"
	"fmt"
	"runtime"
)

// buildVersion is set by the linker (Makefile, build).
var buildVersion = "unreleased"

func (p *program) version(_ context.Context, args []string) error {
	if err := parse(p.flags("version"), args); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "rollcall %s (%s, %s/%s)\n", buildVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
