-- Single logout, and sessions that end when they are not used.

-- logout is local or idp. The addresses are empty if the identity provider has no single logout.
-- Responses may have another address than requests.
ALTER TABLE connections ADD COLUMN logout text NOT NULL DEFAULT 'idp';
ALTER TABLE connections ADD COLUMN idp_slo_redirect_url text NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN idp_slo_redirect_response_url text NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN idp_slo_post_url text NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN idp_slo_post_response_url text NOT NULL DEFAULT '';

-- idp_session is the identity provider's identifier of the session, encrypted. The two hashes find
-- the session when the identity provider ends it. Older sessions have none of these, and end only
-- here.
ALTER TABLE sessions ADD COLUMN idp_session bytea;
ALTER TABLE sessions ADD COLUMN name_id_hash bytea;
ALTER TABLE sessions ADD COLUMN session_index_hash bytea;
CREATE INDEX sessions_name_id ON sessions (organization_id, connection_id, name_id_hash);

-- A session without idle_seconds does not end when it is not used.
ALTER TABLE sessions ADD COLUMN idle_seconds bigint NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN idle_until bigint;

-- A logout that waits for the identity provider. Its id is the RelayState. Without next_uri, it
-- ends on a page of Rollcall.
CREATE TABLE single_logouts (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	connection_id text NOT NULL,
	request_id text NOT NULL,
	browser_hash bytea NOT NULL,
	next_uri text NOT NULL,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	used_at bigint,
	FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX single_logouts_connection ON single_logouts (organization_id, connection_id);
CREATE INDEX single_logouts_expiry ON single_logouts (expires_at);

-- An OpenID provider shows an error if our return address is not registered there. So logout at the
-- provider stays off until an administrator has registered the address and turns it on.
UPDATE connections SET logout = 'local' WHERE type LIKE '%OIDC';
