-- Compared by code point, for prefix searches and order, whatever the database's collation is.
ALTER TABLE users ALTER COLUMN user_name_folded TYPE text COLLATE "C";
ALTER TABLE users ALTER COLUMN display_name_folded TYPE text COLLATE "C";
ALTER TABLE users ALTER COLUMN external_id TYPE text COLLATE "C";
ALTER TABLE user_values ALTER COLUMN value_folded TYPE text COLLATE "C";
ALTER TABLE directory_groups ALTER COLUMN display_name_folded TYPE text COLLATE "C";

-- The feed is ordered by (restore, tx, id). tx is the id of the transaction that wrote the event. A
-- reader stops below the oldest running transaction, so that it cannot skip an event that commits
-- later. When a dump is restored on another server, transaction ids begin again at small numbers.
-- restore is increased then, and orders all later events after the earlier ones.
CREATE TABLE events (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	type text NOT NULL,
	actor text NOT NULL,
	subject text NOT NULL,
	data text NOT NULL,
	restore bigint NOT NULL,
	tx bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
	created_at bigint NOT NULL
);
CREATE INDEX events_feed ON events (restore, tx, id);
CREATE INDEX events_organization ON events (organization_id, restore, tx, id);

CREATE TABLE restores (
	restore bigint NOT NULL PRIMARY KEY,
	system_identifier text NOT NULL
);
