-- Sign-on: connections, logins that wait for an identity provider, sessions, and the codes and
-- tokens of applications. A row that is found by a secret has the secret's SHA-256.

-- idp_certificates is a JSON list of PEM texts. sp_key is the private key, encrypted with
-- ROLLCALL_SECRET_KEY.
CREATE TABLE connections (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
	name text NOT NULL,
	type text NOT NULL,
	state text NOT NULL,
	allow_idp_initiated boolean NOT NULL,
	application_id text REFERENCES applications (id) ON DELETE SET NULL,
	subject_attribute text NOT NULL,
	username_attribute text NOT NULL,
	trust_email boolean NOT NULL,
	reauthentication text NOT NULL,
	idp_entity_id text NOT NULL,
	idp_sso_redirect_url text NOT NULL,
	idp_sso_post_url text NOT NULL,
	idp_metadata_url text NOT NULL,
	idp_certificates text NOT NULL,
	sp_key bytea NOT NULL,
	sp_certificate text NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	UNIQUE (organization_id, id)
);
CREATE INDEX connections_application ON connections (application_id);

-- A login that waits for the identity provider. Its id is the RelayState. Without an application,
-- it ends on a page of Rollcall.
CREATE TABLE logins (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	connection_id text NOT NULL,
	request_id text NOT NULL,
	browser_hash bytea NOT NULL,
	application_id text REFERENCES applications (id) ON DELETE CASCADE,
	redirect_uri text NOT NULL,
	state text NOT NULL,
	code_challenge text NOT NULL,
	force_authn boolean NOT NULL,
	max_age bigint,
	replaces_session_id text,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	used_at bigint,
	FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX logins_connection ON logins (organization_id, connection_id);
CREATE INDEX logins_application ON logins (application_id);
CREATE INDEX logins_expiry ON logins (expires_at);

-- The assertions that were accepted, so that none is accepted twice.
CREATE TABLE assertions (
	organization_id text NOT NULL,
	connection_id text NOT NULL,
	hash bytea NOT NULL,
	expires_at bigint NOT NULL,
	PRIMARY KEY (connection_id, hash),
	FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX assertions_expiry ON assertions (expires_at);

-- A session, code or token is valid only if the user is active, the user's epoch is still the one
-- stored here, and the session has not ended. Each query for it checks that.
CREATE TABLE sessions (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	user_id text NOT NULL,
	connection_id text NOT NULL,
	identity_id text NOT NULL,
	epoch bigint NOT NULL,
	token_hash bytea NOT NULL UNIQUE,
	authenticated_at bigint NOT NULL,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	ended_at bigint,
	UNIQUE (organization_id, id),
	FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
	FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE
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

-- code_hash is of the code that was exchanged for the token. If the code comes a second time, the
-- token is revoked.
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

-- The groups in the assertion of a user's last login at a connection.
CREATE TABLE asserted_groups (
	organization_id text NOT NULL,
	user_id text NOT NULL,
	connection_id text NOT NULL,
	name text NOT NULL,
	name_folded text NOT NULL,
	PRIMARY KEY (user_id, connection_id, name_folded),
	FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
	FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX asserted_groups_connection ON asserted_groups (organization_id, connection_id);

-- The login log. It has personal data, and is for the user's own organization.
CREATE TABLE login_attempts (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	connection_id text NOT NULL,
	succeeded boolean NOT NULL,
	reason text NOT NULL,
	expected text NOT NULL,
	received text NOT NULL,
	notes text NOT NULL,
	user_id text,
	email text NOT NULL,
	subject text NOT NULL,
	reference text NOT NULL,
	address text NOT NULL,
	created_at bigint NOT NULL,
	FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX login_attempts_connection ON login_attempts (organization_id, connection_id, id);
CREATE INDEX login_attempts_failures ON login_attempts (organization_id, connection_id, succeeded, created_at);
CREATE INDEX login_attempts_age ON login_attempts (created_at);

CREATE INDEX identities_connection ON identities (organization_id, connection_id);
