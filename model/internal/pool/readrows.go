package pool

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"io"
)

// readRows are rows that have been read.
type readRows struct {
	columns []string
	rows    [][]driver.Value
}

// all reads rows to their end, and closes them.
func (r *readRows) all(rows driver.Rows) error {
	r.columns = rows.Columns()
	for {
		row := make([]driver.Value, len(r.columns))
		err := rows.Next(row)
		if errors.Is(err, io.EOF) {
			return rows.Close()
		}
		if err != nil {
			return errors.Join(err, rows.Close())
		}
		for i, v := range row {
			if b, ok := v.([]byte); ok { // it belongs to the driver
				row[i] = bytes.Clone(b)
			}
		}
		r.rows = append(r.rows, row)
	}
}

// Columns returns the names of the columns.
func (r *readRows) Columns() []string { return r.columns }

// Close does nothing.
func (r *readRows) Close() error { return nil }

// Next returns the next row.
func (r *readRows) Next(to []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(to, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}
