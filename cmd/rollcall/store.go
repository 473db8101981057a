package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"rollcall/config"
	"rollcall/model"
	"rollcall/model/store"
)

// storeWhenOpen is the store of a server that answers before it is open. It has no store until set
// is called.
type storeWhenOpen struct {
	mu    sync.Mutex
	store *store.Store
}

func (s *storeWhenOpen) set(store *store.Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store = store
}

// ready is web.Options.Ready.
func (s *storeWhenOpen) ready(ctx context.Context) error {
	store, err := s.opened()
	if err != nil {
		return err
	}
	return store.Ready(ctx)
}

// lasts is web.Options.Lasts.
func (s *storeWhenOpen) lasts(ctx context.Context) error {
	store, err := s.opened()
	if err != nil {
		return err
	}
	return store.Lasts(ctx)
}

func (s *storeWhenOpen) opened() (*store.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store == nil {
		return nil, &model.Error{Kind: model.Unavailable, Message: "the database is not open yet"}
	}
	return s.store, nil
}

func (s *storeWhenOpen) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store == nil {
		return nil
	}
	return s.store.Close()
}

// openStore opens and migrates the store for a command that ends. Its log is for the terminal.
func (p *program) openStore(ctx context.Context, c config.Config) (*store.Store, error) {
	keys, err := secretKeys(ctx, c)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(p.err, nil))
	warn(log, c)
	return store.Open(ctx, string(c.Database), store.Options{Keys: keys, Log: log})
}

// secretKeys returns the configured secret keys. When none is configured for a SQLite database, it
// reads the key from a file next to the database file. It creates the database file and the key
// file if they do not exist, readable only for the user of the process.
func secretKeys(ctx context.Context, c config.Config) ([][]byte, error) {
	path, isSQLite := sqlitePath(c.Database)
	if isSQLite {
		if err := privateFile(path, nil); err != nil {
			return nil, fmt.Errorf("database file: %w", err)
		}
	}
	if len(c.SecretKeys) > 0 || !isSQLite {
		return c.SecretKeys, nil
	}
	file := path + ".key"
	if err := mayMakeKey(ctx, c, path, file); err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	rand.Read(key)
	if err := privateFile(file, []byte(base64.StdEncoding.EncodeToString(key)+"\n")); err != nil {
		return nil, fmt.Errorf("secret key file: %w", err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("secret key file: %w", err)
	}
	key, err = base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("secret key file %s does not hold 32 bytes in base64; "+
			"restore it, since it opens the secrets in the database", file)
	}
	return [][]byte{key}, nil
}

// mayMakeKey refuses to make the key file of a database that has secrets, because another key opens
// none of them.
func mayMakeKey(ctx context.Context, c config.Config, database, file string) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	sealed, err := store.HasSecrets(ctx, string(c.Database))
	if err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	if sealed {
		return fmt.Errorf("secret key file %s is missing: the secrets in %s open with no other key; "+
			"restore it from the backup, or set ROLLCALL_SECRET_KEY to what it held", file, database)
	}
	return nil
}

// privateFile creates a file and its folder unless the file exists. The file never exists with a
// part of the content, even when other processes do the same or this one crashes.
func privateFile(path string, content []byte) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
