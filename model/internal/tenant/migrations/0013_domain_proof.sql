-- The state of the proof of a domain (organization_domains), and the responses of refused logins.

-- A pending domain is checked at next_check_at and fails at pending_until. A proven domain whose
-- record is missing is still trusted for some time after missing_since. If a domain is proven while
-- another organization has it, proven_at is the time of the new proof. The row of the other
-- organization then has contested_until and contested_by.
ALTER TABLE organization_domains ADD COLUMN pending_until bigint;
ALTER TABLE organization_domains ADD COLUMN next_check_at bigint;
ALTER TABLE organization_domains ADD COLUMN checks bigint NOT NULL DEFAULT 0;
ALTER TABLE organization_domains ADD COLUMN checked_at bigint;
ALTER TABLE organization_domains ADD COLUMN finding text NOT NULL DEFAULT '';
ALTER TABLE organization_domains ADD COLUMN missing_since bigint;
ALTER TABLE organization_domains ADD COLUMN proven_at bigint;
ALTER TABLE organization_domains ADD COLUMN contested_until bigint;
ALTER TABLE organization_domains ADD COLUMN contested_by text NOT NULL DEFAULT '';
UPDATE organization_domains SET next_check_at = created_at WHERE state = 'pending';
CREATE INDEX organization_domains_check ON organization_domains (next_check_at);

-- The responses of identity providers for logins that were refused, encrypted with
-- ROLLCALL_SECRET_KEY.
ALTER TABLE login_attempts ADD COLUMN response_until bigint;
CREATE TABLE login_responses (
	attempt_id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	connection_id text NOT NULL,
	address text NOT NULL,
	sealed bytea NOT NULL,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX login_responses_connection ON login_responses (organization_id, connection_id, created_at);
CREATE INDEX login_responses_expiry ON login_responses (expires_at);

-- By default, organizations keep them for a week.
UPDATE organizations SET settings = substr(settings, 1, length(settings) - 1) || ',"login_response_days":7}'
	WHERE settings <> '{}';
UPDATE organizations SET settings = '{"login_response_days":7}' WHERE settings = '{}';
