-- Organizations with their users, groups and directories. One file for both databases: the types
-- are text, boolean, bigint and bytea only, times are milliseconds since 1970 (UTC), and Go writes
-- the folded columns. Parent tables have UNIQUE (organization_id, id), and their children refer to
-- both columns, so that no row can link two organizations.

CREATE TABLE organizations (
	id text NOT NULL PRIMARY KEY,
	name text NOT NULL,
	slug text NOT NULL UNIQUE,
	external_id text UNIQUE,
	metadata text NOT NULL DEFAULT '{}',
	settings text NOT NULL DEFAULT '{}',
	allow_profiles_outside_organization boolean NOT NULL DEFAULT false,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL
);

CREATE TABLE organization_domains (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
	domain text NOT NULL,
	state text NOT NULL,
	verification_strategy text NOT NULL,
	verification_token text NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	UNIQUE (organization_id, domain)
);
CREATE UNIQUE INDEX organization_domains_verified ON organization_domains (domain) WHERE state = 'verified';

CREATE TABLE applications (
	id text NOT NULL PRIMARY KEY,
	name text NOT NULL,
	redirect_uris text NOT NULL DEFAULT '[]',
	post_logout_redirect_uris text NOT NULL DEFAULT '[]',
	backchannel_logout_uri text NOT NULL DEFAULT '',
	initiate_login_uri text NOT NULL DEFAULT '',
	all_organizations boolean NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL
);

-- A row remains when its organization is deleted: the application must still read the events about
-- that deletion.
CREATE TABLE application_organizations (
	application_id text NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
	organization_id text NOT NULL,
	PRIMARY KEY (application_id, organization_id)
);
CREATE INDEX application_organizations_organization ON application_organizations (organization_id);

CREATE TABLE api_keys (
	id text NOT NULL PRIMARY KEY,
	application_id text NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
	hash bytea NOT NULL UNIQUE,
	suffix text NOT NULL,
	created_at bigint NOT NULL
);

CREATE TABLE directories (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
	name text NOT NULL,
	type text NOT NULL,
	state text NOT NULL,
	external_key text NOT NULL UNIQUE,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	UNIQUE (organization_id, id)
);

CREATE TABLE directory_tokens (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	directory_id text NOT NULL,
	name text NOT NULL,
	hash bytea NOT NULL UNIQUE,
	suffix text NOT NULL,
	expires_at bigint,
	last_used_at bigint,
	created_at bigint NOT NULL,
	FOREIGN KEY (organization_id, directory_id) REFERENCES directories (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX directory_tokens_directory ON directory_tokens (organization_id, directory_id);

-- directory_id is null for a user without a directory. document is the SCIM resource as sent,
-- without id, meta, schemas, groups, active and password. The other columns of the profile are
-- derived from it.
CREATE TABLE users (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
	directory_id text,
	user_name text NOT NULL,
	user_name_folded text NOT NULL,
	external_id text NOT NULL DEFAULT '',
	display_name text NOT NULL DEFAULT '',
	display_name_folded text NOT NULL DEFAULT '',
	email text NOT NULL DEFAULT '',
	email_folded text NOT NULL DEFAULT '',
	email_domain text NOT NULL DEFAULT '',
	active boolean NOT NULL,
	inactive_reason text NOT NULL DEFAULT '',
	role text NOT NULL,
	epoch bigint NOT NULL,
	adoption_confirmed boolean NOT NULL DEFAULT false,
	profile_ids text NOT NULL DEFAULT '[]',
	version bigint NOT NULL,
	document text NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	UNIQUE (organization_id, id),
	UNIQUE (organization_id, user_name_folded),
	FOREIGN KEY (organization_id, directory_id) REFERENCES directories (organization_id, id)
);
CREATE INDEX users_directory ON users (organization_id, directory_id, created_at, id);
CREATE INDEX users_external_id ON users (organization_id, external_id) WHERE external_id <> '';
CREATE INDEX users_email ON users (organization_id, email_folded) WHERE email_folded <> '';
CREATE INDEX users_display_name ON users (organization_id, display_name_folded);

-- attribute: 1 emails, 2 phoneNumbers, 3 manager.
CREATE TABLE user_values (
	organization_id text NOT NULL,
	user_id text NOT NULL,
	attribute bigint NOT NULL,
	position bigint NOT NULL,
	value_folded text NOT NULL,
	type_folded text NOT NULL,
	is_primary boolean NOT NULL,
	PRIMARY KEY (user_id, attribute, position),
	FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX user_values_value ON user_values (organization_id, attribute, value_folded, type_folded);

CREATE TABLE directory_groups (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	directory_id text NOT NULL,
	display_name text NOT NULL,
	display_name_folded text NOT NULL,
	external_id text NOT NULL DEFAULT '',
	version bigint NOT NULL,
	document text NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	UNIQUE (organization_id, id),
	UNIQUE (directory_id, display_name_folded),
	FOREIGN KEY (organization_id, directory_id) REFERENCES directories (organization_id, id)
);
CREATE INDEX directory_groups_created ON directory_groups (organization_id, directory_id, created_at, id);
CREATE INDEX directory_groups_external_id ON directory_groups (organization_id, external_id) WHERE external_id <> '';

CREATE TABLE directory_group_members (
	organization_id text NOT NULL,
	group_id text NOT NULL,
	user_id text NOT NULL,
	PRIMARY KEY (group_id, user_id),
	FOREIGN KEY (organization_id, group_id) REFERENCES directory_groups (organization_id, id) ON DELETE CASCADE,
	FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX directory_group_members_user ON directory_group_members (user_id, group_id);

CREATE TABLE identities (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	connection_id text NOT NULL,
	issuer text NOT NULL,
	subject text NOT NULL,
	user_id text NOT NULL,
	raw_attributes text NOT NULL DEFAULT '{}',
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	UNIQUE (organization_id, connection_id, issuer, subject),
	FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX identities_user ON identities (organization_id, user_id);

-- Deleted users: keyed hashes of their identifiers, by which a later sign-on of the same person is
-- recognized and refused.
CREATE TABLE tombstones (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
	user_id text NOT NULL,
	created_at bigint NOT NULL,
	UNIQUE (organization_id, id)
);
CREATE TABLE tombstone_keys (
	organization_id text NOT NULL,
	tombstone_id text NOT NULL,
	hash bytea NOT NULL,
	PRIMARY KEY (tombstone_id, hash),
	FOREIGN KEY (organization_id, tombstone_id) REFERENCES tombstones (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX tombstone_keys_hash ON tombstone_keys (organization_id, hash);

-- Keys of the installation, each encrypted with ROLLCALL_SECRET_KEY.
CREATE TABLE secrets (
	name text NOT NULL PRIMARY KEY,
	sealed bytea NOT NULL
);
