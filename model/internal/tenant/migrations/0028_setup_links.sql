-- Links with which a customer's IT connects its identity provider, who opened them, and what was done.

-- scopes is a JSON list. A child link is for one step of its parent; it has a parent_id.
CREATE TABLE setup_links (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
	parent_id text,
	token_hash bytea NOT NULL UNIQUE,
	scopes text NOT NULL,
	created_by text NOT NULL,
	note text NOT NULL,
	return_url text NOT NULL,
	success_url text NOT NULL,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	expired_at bigint,
	revoked_at bigint,
	finished_at bigint,
	UNIQUE (organization_id, id),
	FOREIGN KEY (organization_id, parent_id) REFERENCES setup_links (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX setup_links_parent ON setup_links (organization_id, parent_id);
CREATE INDEX setup_links_expiry ON setup_links (expires_at);

-- A visit with a token_hash is a browser that may use the portal; one without only looked.
CREATE TABLE setup_visits (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	link_id text NOT NULL,
	token_hash bytea UNIQUE,
	address text NOT NULL,
	browser text NOT NULL,
	created_at bigint NOT NULL,
	used_at bigint NOT NULL,
	FOREIGN KEY (organization_id, link_id) REFERENCES setup_links (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX setup_visits_link ON setup_visits (organization_id, link_id, id);

-- What was chosen and done in a step of an organization's set-up. Whether a step is done follows from
-- the connection, the domains and the directory themselves; done_at is when that was first noticed.
CREATE TABLE setup_steps (
	organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
	step text NOT NULL,
	choice text NOT NULL,
	skipped boolean NOT NULL,
	done_by text NOT NULL,
	done_at bigint,
	version bigint NOT NULL,
	updated_at bigint NOT NULL,
	PRIMARY KEY (organization_id, step)
);
