package modeltest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// StartStandby starts a standby of a server, which follows it under a name. It is a server that
// reads, which the test can stop and start.
func StartStandby(t testing.TB, leader *Server, name string) *Server {
	t.Helper()
	folder, err := os.MkdirTemp("", "rollcall-standby-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{folder: folder, bin: leader.bin, options: []string{
		"listen_addresses=", "unix_socket_directories=" + folder, "max_connections=200", "shared_buffers=32MB",
		"wal_retrieve_retry_interval=100ms",
	}}
	t.Cleanup(s.Close)
	owner, err := unprivileged()
	if err == nil && owner != nil {
		err = os.Chown(folder, int(owner.Uid), int(owner.Gid))
	}
	err = errors.Join(err, s.run(filepath.Join(s.bin, "pg_basebackup"), "-D", s.data(), "-R", "-X", "stream",
		"-c", "fast", "--no-sync", "-d", "host="+leader.folder+" user=rollcall application_name="+name))
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		t.Fatalf("a standby: %v", err)
	}
	return s
}

// Set changes a setting of a running server.
func (s *Server) Set(t testing.TB, name, value string) {
	t.Helper()
	err := s.exec("postgres", "ALTER SYSTEM SET "+name+" = '"+value+"'")
	if err := errors.Join(err, s.exec("postgres", "SELECT pg_reload_conf()")); err != nil {
		t.Fatal(err)
	}
}
