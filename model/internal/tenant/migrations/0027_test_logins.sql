-- A test login is a login at a connection which only shows what would happen. trust_version is the
-- number of the connection's settings on which a login depends. A test is of one such number.
ALTER TABLE connections ADD COLUMN trust_version bigint NOT NULL DEFAULT 0;

CREATE TABLE test_logins (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	connection_id text NOT NULL,
	actor text NOT NULL,
	browser_hash bytea,
	result text NOT NULL,
	reason text NOT NULL,
	trust_version bigint NOT NULL,
	sealed bytea,
	created_at bigint NOT NULL,
	answered_at bigint,
	expires_at bigint NOT NULL,
	FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX test_logins_connection ON test_logins (organization_id, connection_id, id);
CREATE INDEX test_logins_recent ON test_logins (organization_id, connection_id, created_at);
CREATE INDEX test_logins_expiry ON test_logins ((expires_at + 0));
