package modeltest

import (
	"os"
	"syscall"
)

// memory is the folder that Linux keeps in memory, and databaseRoom is what must be free in it
// before databases go there. Containers often have 64 MB.
const (
	memory       = "/dev/shm"
	databaseRoom = 2 << 30
)

// newFolder makes a folder for databases: in memory where there is room, because cloning and
// dropping a database waits for the disk several times, or else where temporary files are.
func newFolder(prefix string) (string, error) {
	var room syscall.Statfs_t
	if syscall.Statfs(memory, &room) == nil && room.Bavail*uint64(room.Bsize) >= databaseRoom {
		if folder, err := os.MkdirTemp(memory, prefix); err == nil {
			return folder, nil
		}
	}
	return os.MkdirTemp("", prefix)
}
