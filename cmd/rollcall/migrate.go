package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"rollcall/config"
	"rollcall/model/store"
)

// migrate is the command migrate.
func (p *program) migrate(ctx context.Context, args []string) error {
	f := p.flags("migrate")
	file := f.String("config", "", "read the same settings as NAME=VALUE lines from `FILE`; the environment wins")
	status := f.Bool("status", false, "list the migrations and change nothing; exit status 1 when some are pending")
	if err := parse(f, args); err != nil {
		return err
	}
	c, err := config.Load(p.environ, *file)
	if err != nil {
		return errUsage{err}
	}
	if *status {
		return p.migrationStatus(ctx, c)
	}
	keys, err := secretKeys(c)
	if err != nil {
		return err
	}
	store, err := store.Open(ctx, string(c.Database),
		store.Options{Keys: keys, Log: slog.New(slog.NewTextHandler(p.err, nil))})
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
