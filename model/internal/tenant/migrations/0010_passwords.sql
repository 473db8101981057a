-- Passwords of administrators, the links that set them, and the requests of applications while a
-- user signs in by password.

-- A session that began with a password has no connection and no identity. SQLite cannot make a
-- column nullable, so the tables are dropped and created again. Signed-in users must sign in again.
DROP TABLE access_tokens;
DROP TABLE authorization_codes;
DROP TABLE sessions;

CREATE TABLE sessions (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	user_id text NOT NULL,
	connection_id text,
	identity_id text,
	epoch bigint NOT NULL,
	token_hash bytea NOT NULL UNIQUE,
	authenticated_at bigint NOT NULL,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	ended_at bigint,
	UNIQUE (organization_id, id),
	FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
	FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE,
	CHECK ((connection_id IS NULL) = (identity_id IS NULL))
);
CREATE INDEX sessions_user ON sessions (organization_id, user_id, id);
CREATE INDEX sessions_connection ON sessions (organization_id, connection_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE authorization_codes (
	hash bytea NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	session_id text NOT NULL,
	application_id text NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
	redirect_uri text NOT NULL,
	code_challenge text NOT NULL,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	used_at bigint,
	FOREIGN KEY (organization_id, session_id) REFERENCES sessions (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX authorization_codes_session ON authorization_codes (organization_id, session_id);
CREATE INDEX authorization_codes_application ON authorization_codes (application_id);
CREATE INDEX authorization_codes_expiry ON authorization_codes (expires_at);

CREATE TABLE access_tokens (
	hash bytea NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	session_id text NOT NULL,
	application_id text NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
	code_hash bytea NOT NULL,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	FOREIGN KEY (organization_id, session_id) REFERENCES sessions (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX access_tokens_session ON access_tokens (organization_id, session_id);
CREATE INDEX access_tokens_application ON access_tokens (application_id);
CREATE INDEX access_tokens_code ON access_tokens (code_hash);
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);

-- hash is a PHC string. It is not in the row of the user, because every SCIM request reads that
-- row.
CREATE TABLE user_passwords (
	user_id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	hash text NOT NULL,
	created_at bigint NOT NULL,
	FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX user_passwords_organization ON user_passwords (organization_id, user_id);

-- At most one link per user. It is found by the SHA-256 of its token.
CREATE TABLE password_setups (
	user_id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	hash bytea NOT NULL UNIQUE,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX password_setups_organization ON password_setups (organization_id, user_id);
CREATE INDEX password_setups_expiry ON password_setups (expires_at);

-- A request of an application that waits at the login page, bound to one browser.
CREATE TABLE pending_authorizations (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
	application_id text NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
	browser_hash bytea NOT NULL,
	redirect_uri text NOT NULL,
	state text NOT NULL,
	code_challenge text NOT NULL,
	force_authn boolean NOT NULL,
	max_age bigint,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	used_at bigint
);
CREATE INDEX pending_authorizations_organization ON pending_authorizations (organization_id);
CREATE INDEX pending_authorizations_application ON pending_authorizations (application_id);
CREATE INDEX pending_authorizations_expiry ON pending_authorizations (expires_at);
