-- Accounts with their seats, the groups of an account, and the rules by which users get them.

CREATE TABLE accounts (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
	name text NOT NULL,
	name_folded text NOT NULL,
	seats bigint,
	seats_used bigint NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	UNIQUE (organization_id, id),
	UNIQUE (organization_id, name_folded)
);

CREATE TABLE connection_accounts (
	organization_id text NOT NULL,
	connection_id text NOT NULL,
	account_id text NOT NULL,
	PRIMARY KEY (connection_id, account_id),
	FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE,
	FOREIGN KEY (organization_id, account_id) REFERENCES accounts (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX connection_accounts_organization ON connection_accounts (organization_id, connection_id);
CREATE INDEX connection_accounts_account ON connection_accounts (organization_id, account_id);

-- permissions is a JSON list of strings.
CREATE TABLE account_groups (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	account_id text NOT NULL,
	name text NOT NULL,
	name_folded text NOT NULL,
	permissions text NOT NULL,
	assign_by_default boolean NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	UNIQUE (organization_id, id),
	UNIQUE (account_id, name_folded),
	FOREIGN KEY (organization_id, account_id) REFERENCES accounts (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX account_groups_account ON account_groups (organization_id, account_id);

-- A directory group by its id or, if that is null, all directory groups with a name.
CREATE TABLE group_mappings (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	group_id text NOT NULL,
	directory_group_id text,
	name text NOT NULL,
	name_folded text NOT NULL,
	created_at bigint NOT NULL,
	FOREIGN KEY (organization_id, group_id) REFERENCES account_groups (organization_id, id) ON DELETE CASCADE,
	FOREIGN KEY (organization_id, directory_group_id)
		REFERENCES directory_groups (organization_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX group_mappings_by_id ON group_mappings (group_id, directory_group_id)
	WHERE directory_group_id IS NOT NULL;
CREATE UNIQUE INDEX group_mappings_by_name ON group_mappings (group_id, name_folded) WHERE directory_group_id IS NULL;
CREATE INDEX group_mappings_group ON group_mappings (organization_id, group_id);
CREATE INDEX group_mappings_directory_group ON group_mappings (organization_id, directory_group_id);

-- The directory group whose members are administrators.
CREATE TABLE role_mappings (
	organization_id text NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
	directory_group_id text,
	name text NOT NULL,
	name_folded text NOT NULL,
	created_at bigint NOT NULL,
	FOREIGN KEY (organization_id, directory_group_id)
		REFERENCES directory_groups (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX role_mappings_directory_group ON role_mappings (organization_id, directory_group_id);

-- The licenses of users: by rules, by hand, or by both. A row with neither is deleted. seats_used
-- of an account is the number of its granted licenses: a transaction that changes one locks the
-- account's row.
CREATE TABLE licenses (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	user_id text NOT NULL,
	account_id text NOT NULL,
	state text NOT NULL,
	by_rule boolean NOT NULL,
	by_hand boolean NOT NULL,
	cause text NOT NULL,
	since bigint NOT NULL,
	UNIQUE (user_id, account_id),
	FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
	FOREIGN KEY (organization_id, account_id) REFERENCES accounts (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX licenses_user ON licenses (organization_id, user_id);
CREATE INDEX licenses_account ON licenses (organization_id, account_id);
CREATE INDEX licenses_waiting ON licenses (account_id, since, id) WHERE state = 'waiting';

CREATE TABLE group_assignments (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	user_id text NOT NULL,
	account_id text NOT NULL,
	group_id text NOT NULL,
	by_rule boolean NOT NULL,
	by_hand boolean NOT NULL,
	cause text NOT NULL,
	since bigint NOT NULL,
	UNIQUE (user_id, group_id),
	FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
	FOREIGN KEY (organization_id, group_id) REFERENCES account_groups (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX group_assignments_user ON group_assignments (organization_id, user_id);
CREATE INDEX group_assignments_group ON group_assignments (organization_id, group_id);

-- One row for each organization that ever had a rule. version counts the changes of its rules. The
-- other columns are the progress of the recomputation after the latest change. A worker may work on
-- it until lease_until.
CREATE TABLE recomputes (
	organization_id text NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
	version bigint NOT NULL,
	state text NOT NULL,
	total bigint NOT NULL,
	done bigint NOT NULL,
	holder text NOT NULL,
	lease_until bigint NOT NULL,
	due_at bigint NOT NULL,
	requested_at bigint NOT NULL,
	started_at bigint,
	finished_at bigint,
	updated_at bigint NOT NULL
);
CREATE INDEX recomputes_due ON recomputes (due_at) WHERE state <> 'done';
CREATE INDEX recomputes_updated ON recomputes (updated_at);

-- connection_id is the connection of the user's latest login. role_mapped: only a mapping makes the
-- user an administrator. entitlement_version counts the changes of the user's licenses and groups.
ALTER TABLE users ADD COLUMN connection_id text;
ALTER TABLE users ADD COLUMN role_mapped boolean NOT NULL DEFAULT false;
ALTER TABLE users ADD COLUMN entitlement_version bigint NOT NULL DEFAULT 0;
CREATE INDEX users_connection ON users (organization_id, connection_id) WHERE connection_id IS NOT NULL;
