-- OpenID Connect: a connection of such a type keeps its issuer in idp_entity_id, and has no
-- certificates and no key. oidc_client_secret is sealed; oidc_scopes is a JSON list, NULL or
-- empty for the usual ones.
ALTER TABLE connections ADD COLUMN oidc_client_id text NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN oidc_client_secret bytea;
ALTER TABLE connections ADD COLUMN oidc_scopes text;
ALTER TABLE connections ADD COLUMN oidc_groups_claim text NOT NULL DEFAULT '';

-- What the nonce and the PKCE verifier of a login are made of, sealed.
ALTER TABLE logins ADD COLUMN secret bytea;

-- The ID token of a session, sealed: RP-initiated logout hands it back.
ALTER TABLE sessions ADD COLUMN id_token bytea;
