-- Operators, who run this installation and belong to no organization. And the number of wrong
-- passwords, by a hash of the account or of the network address.

-- While one_time is true, the password is the one that the command line printed. It is only good
-- for choosing another password before password_expires_at.
CREATE TABLE operators (
	id text NOT NULL PRIMARY KEY,
	email text NOT NULL,
	email_folded text NOT NULL UNIQUE,
	password_hash text NOT NULL,
	one_time boolean NOT NULL,
	password_expires_at bigint,
	last_signed_in_at bigint,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL
);

CREATE TABLE operator_sessions (
	hash bytea NOT NULL PRIMARY KEY,
	operator_id text NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
	created_at bigint NOT NULL,
	used_at bigint NOT NULL,
	expires_at bigint NOT NULL
);
CREATE INDEX operator_sessions_operator ON operator_sessions (operator_id);
CREATE INDEX operator_sessions_expiry ON operator_sessions (expires_at);

CREATE TABLE guesses (
	hash bytea NOT NULL PRIMARY KEY,
	failures bigint NOT NULL,
	blocked_until bigint NOT NULL,
	last_at bigint NOT NULL
);
CREATE INDEX guesses_age ON guesses (last_at);
