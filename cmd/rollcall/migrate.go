package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"rollcall/config"
	"rollcall/model/store"
)

// migrate is the command migrate.
func (p *program) migrate(ctx context.Context, args []string) error {
	f := p.flags("migrate")
	file := configFlag(f)
	status := f.Bool("status", false, "list the migrations and change nothing; exit status 1 when some are pending")
	if err := parse(f, args); err != nil {
		return err
	}
	c, err := p.load(*file)
	if err != nil {
		return err
	}
	if *status {
		return p.migrationStatus(ctx, c)
	}
	store, err := p.openStore(ctx, c)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.out, "The database is current.")
	return store.Close()
}

// errPending is the error of migrate --status when migrations are pending.
var errPending = errors.New("migrations are pending; run rollcall migrate")

// migrationStatus lists the migrations.
func (p *program) migrationStatus(ctx context.Context, c config.Config) error {
	url := string(c.Database)
	if path, ok := sqlitePath(c.Database); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			url = "" // opening it would create the file
		}
	}
	list, err := store.MigrationStatus(ctx, url)
	if err != nil {
		return err
	}
	pending := false
	for _, m := range list {
		state := "pending"
		if m.AppliedAt != nil {
			state = m.AppliedAt.String()
		}
		pending = pending || m.AppliedAt == nil
		fmt.Fprintf(p.out, "%-24s %s\n", m.Version, state)
	}
	if pending {
		return errPending
	}
	return nil
}
