-- Whoever asks for a rare type of event reads only the events of that type. Every index of SQLite
-- ends with the primary key, which is the order of the feed.
CREATE INDEX events_type ON events (type);
DROP INDEX events_organization;
CREATE INDEX events_organization ON events (organization_id);
