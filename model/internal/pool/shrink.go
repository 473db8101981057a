package pool

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
)

// ShrinkLog empties the log of SQLite when it is long. While somebody reads for long, as a backup
// does, the log keeps all that is written meanwhile, and afterwards it is emptied only by the next
// writes. ShrinkLog waits for nobody: while there is a reader, the log is left for the next time.
func (p *Pool) ShrinkLog(ctx context.Context) error {
	if p.Postgres {
		return nil
	}
	info, err := os.Stat(p.file + "-wal")
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() <= sqliteLog {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, taken, err := p.Writer.take(ctx)
	if err != nil {
		return err
	}
	defer taken.drop()
	c, err := p.Writer.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return truncateLog(ctx, c)
}

// truncateLog empties the log by the connection that writes, without waiting for others.
func truncateLog(ctx context.Context, c *sql.Conn) (err error) {
	if _, err := c.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return err
	}
	defer func() {
		_, again := c.ExecContext(context.WithoutCancel(ctx), "PRAGMA "+sqlitePatience)
		err = errors.Join(err, again)
	}()
	var busy, frames, done int
	return c.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done)
}
