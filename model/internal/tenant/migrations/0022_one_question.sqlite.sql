-- The index of what has expired is one of an expression that only sweeping has. Otherwise a
-- statement that finds a row by its id, and asks whether it has expired, may read all rows.
DROP INDEX used_tokens_expiry;
CREATE INDEX used_tokens_expiry ON used_tokens (expires_at + 0);
DROP INDEX single_logouts_expiry;
CREATE INDEX single_logouts_expiry ON single_logouts (expires_at + 0);
DROP INDEX assertions_expiry;
CREATE INDEX assertions_expiry ON assertions (expires_at + 0);
DROP INDEX authorization_codes_expiry;
CREATE INDEX authorization_codes_expiry ON authorization_codes (expires_at + 0);
DROP INDEX access_tokens_expiry;
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at + 0);
DROP INDEX sessions_expiry;
CREATE INDEX sessions_expiry ON sessions (expires_at + 0);
DROP INDEX operator_sessions_expiry;
CREATE INDEX operator_sessions_expiry ON operator_sessions (expires_at + 0);
DROP INDEX password_setups_expiry;
CREATE INDEX password_setups_expiry ON password_setups (expires_at + 0);
DROP INDEX login_responses_expiry;
CREATE INDEX login_responses_expiry ON login_responses (expires_at + 0);

-- The index of the list of groups answers only the list, and not a look-up by name.
DROP INDEX directory_groups_created;
CREATE INDEX directory_groups_created ON directory_groups (organization_id, directory_id || '', created_at, id);
