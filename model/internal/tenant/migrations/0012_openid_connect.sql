-- OpenID Connect: a connection of such a type has its issuer in idp_entity_id, and has no
-- certificates and no key. oidc_client_secret is encrypted. oidc_scopes is a JSON list; NULL or an
-- empty one means the default scopes.
ALTER TABLE connections ADD COLUMN oidc_client_id text NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN oidc_client_secret bytea;
ALTER TABLE connections ADD COLUMN oidc_scopes text;
ALTER TABLE connections ADD COLUMN oidc_groups_claim text NOT NULL DEFAULT '';

-- The secret from which the nonce and the PKCE verifier of a login are derived, encrypted.
ALTER TABLE logins ADD COLUMN secret bytea;

-- The ID token of a session, encrypted. RP-initiated logout sends it to the provider.
ALTER TABLE sessions ADD COLUMN id_token bytea;
