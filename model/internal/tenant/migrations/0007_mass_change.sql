-- When more than mass_change_percent of a directory's users leave within the window, mass_change_at
-- is the time when that was detected. The next two columns are how many left, and of how many.
ALTER TABLE directories ADD COLUMN mass_change_percent bigint NOT NULL DEFAULT 20;
ALTER TABLE directories ADD COLUMN mass_change_window_seconds bigint NOT NULL DEFAULT 3600;
ALTER TABLE directories ADD COLUMN mass_change_at bigint;
ALTER TABLE directories ADD COLUMN mass_change_users bigint NOT NULL DEFAULT 0;
ALTER TABLE directories ADD COLUMN mass_change_of bigint NOT NULL DEFAULT 0;

-- The users that a directory deactivated or deleted, by the events of the feed. Each user has one
-- row, for the latest departure.
CREATE TABLE departures (
	organization_id text NOT NULL,
	directory_id text NOT NULL,
	user_id text NOT NULL,
	departed_at bigint NOT NULL,
	PRIMARY KEY (directory_id, user_id),
	FOREIGN KEY (organization_id, directory_id) REFERENCES directories (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX departures_directory ON departures (organization_id, directory_id, departed_at);
CREATE INDEX departures_age ON departures (departed_at);

-- The position of each worker in the feed, shared by all replicas.
CREATE TABLE feed_cursors (
	name text NOT NULL PRIMARY KEY,
	event_id text NOT NULL
);
