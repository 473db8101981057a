-- Rollcall as the OpenID provider of its applications.

-- Applications that are there do not send a code_challenge; new ones must, see require_pkce.
ALTER TABLE applications ADD COLUMN require_pkce boolean NOT NULL DEFAULT false;
ALTER TABLE applications ADD COLUMN public boolean NOT NULL DEFAULT false;
ALTER TABLE applications ADD COLUMN native boolean NOT NULL DEFAULT false;
ALTER TABLE applications ADD COLUMN id_token_algorithm text NOT NULL DEFAULT 'RS256';
ALTER TABLE applications ADD COLUMN id_token_claims text NOT NULL DEFAULT 'full';
CREATE INDEX applications_public ON applications (id) WHERE public;

-- What was asked for at the OpenID provider. At /sso/authorize there is no scope.
ALTER TABLE authorization_codes ADD COLUMN scope text NOT NULL DEFAULT '';
ALTER TABLE authorization_codes ADD COLUMN nonce text NOT NULL DEFAULT '';
ALTER TABLE access_tokens ADD COLUMN scope text NOT NULL DEFAULT '';

-- The keys that sign ID tokens, at all replicas. kid is the thumbprint of RFC 7638. sealed is the
-- private key, encrypted with ROLLCALL_SECRET_KEY. Of an algorithm the key with the newest
-- signs_from that has come signs. Its successor is published before that. A key is published until
-- gone_at, and kept: an ID token says at a sign-out who signs out, however old it is.
CREATE TABLE signing_keys (
	kid text NOT NULL PRIMARY KEY,
	algorithm text NOT NULL,
	sealed bytea NOT NULL,
	published_at bigint NOT NULL,
	signs_from bigint NOT NULL,
	gone_at bigint NOT NULL,
	UNIQUE (algorithm, signs_from)
);
