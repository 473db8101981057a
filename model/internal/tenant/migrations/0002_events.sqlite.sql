-- SQLite has one writer, so that rows are numbered in the order in which their transactions commit.
-- AUTOINCREMENT never uses a number twice.
CREATE TABLE events (
	tx INTEGER PRIMARY KEY AUTOINCREMENT,
	id text NOT NULL UNIQUE,
	organization_id text NOT NULL,
	type text NOT NULL,
	actor text NOT NULL,
	subject text NOT NULL,
	data text NOT NULL,
	restore bigint NOT NULL,
	created_at bigint NOT NULL
);
CREATE INDEX events_organization ON events (organization_id, restore, tx, id);

CREATE TABLE restores (
	restore bigint NOT NULL PRIMARY KEY,
	system_identifier text NOT NULL
);
