-- Anybody can begin any number of logins. So a login on its way, and an application's request that
-- waits for a password, are kept by the browser, sealed. Only its use is stored, which only the
-- answer of an identity provider or the right password leads to. So is the use of a logout link.

DROP TABLE logins;
DROP TABLE pending_authorizations;

CREATE TABLE used_tokens (
	organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
	id text NOT NULL,
	expires_at bigint NOT NULL,
	PRIMARY KEY (organization_id, id)
);
CREATE INDEX used_tokens_expiry ON used_tokens (expires_at);

-- The password of an administrator goes with the deactivation, and so does a link to set one.
DELETE FROM user_passwords WHERE user_id IN (SELECT id FROM users WHERE NOT active);
DELETE FROM password_setups WHERE user_id IN (SELECT id FROM users WHERE NOT active);
