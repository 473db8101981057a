-- An endpoint belongs to an application, which hears of the organizations that it serves, or to the
-- operator, who hears of all. failures are the attempts in a row that failed; failing_since is set
-- from the tenth on, and only one delivery is tried at each probe_at then.
CREATE TABLE webhook_endpoints (
	id text NOT NULL PRIMARY KEY,
	application_id text REFERENCES applications (id) ON DELETE CASCADE,
	url text NOT NULL,
	events text NOT NULL,
	status text NOT NULL,
	sealed_secret bytea NOT NULL,
	sealed_old_secret bytea,
	rotated_at bigint,
	failures bigint NOT NULL DEFAULT 0,
	failing_since bigint,
	probe_at bigint NOT NULL DEFAULT 0,
	disabled_reason text NOT NULL DEFAULT '',
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX webhook_endpoints_url ON webhook_endpoints (COALESCE(application_id, ''), url);

-- One row is one event on its way to one endpoint. The rows of a lane are sent one after the other,
-- in the order of the feed, which restore, tx and event_id are.
CREATE TABLE webhook_deliveries (
	id text NOT NULL PRIMARY KEY,
	endpoint_id text NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
	event_id text NOT NULL,
	event_type text NOT NULL,
	lane text NOT NULL,
	restore bigint NOT NULL,
	tx bigint NOT NULL,
	state text NOT NULL,
	attempts bigint NOT NULL DEFAULT 0,
	next_at bigint NOT NULL,
	lease_until bigint NOT NULL DEFAULT 0,
	last_status bigint NOT NULL DEFAULT 0,
	last_error text NOT NULL DEFAULT '',
	last_duration bigint NOT NULL DEFAULT 0,
	created_at bigint NOT NULL,
	due_at bigint NOT NULL,
	finished_at bigint
);
CREATE UNIQUE INDEX webhook_deliveries_event ON webhook_deliveries (endpoint_id, event_id);
CREATE INDEX webhook_deliveries_list ON webhook_deliveries (endpoint_id, id);
CREATE INDEX webhook_deliveries_lane ON webhook_deliveries (endpoint_id, lane, restore, tx, event_id)
	WHERE state = 'pending';
CREATE INDEX webhook_deliveries_next ON webhook_deliveries (endpoint_id, restore, tx, event_id)
	WHERE state = 'pending';
