-- Refresh tokens of the OpenID provider. A family is what one sign-in gave one application. Its
-- refresh tokens are derived from its id and generation, so that none is stored: of each generation
-- there is one, and the newest is rotated. rotated_at is when the newest began.

ALTER TABLE applications ADD COLUMN refresh_tokens text NOT NULL DEFAULT 'offline_access';
ALTER TABLE applications ADD COLUMN refresh_leeway_seconds bigint NOT NULL DEFAULT 30;

CREATE TABLE token_families (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	session_id text NOT NULL,
	application_id text NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
	code_hash bytea NOT NULL,
	scope text NOT NULL,
	generation bigint NOT NULL,
	rotated_at bigint NOT NULL,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	ended_at bigint,
	ended_reason text NOT NULL,
	FOREIGN KEY (organization_id, session_id) REFERENCES sessions (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX token_families_session ON token_families (organization_id, session_id);
CREATE INDEX token_families_application ON token_families (application_id);
CREATE INDEX token_families_code ON token_families (code_hash);
CREATE INDEX token_families_expiry ON token_families (expires_at);
