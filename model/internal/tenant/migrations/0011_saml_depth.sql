-- Settings of a connection for the requests to its identity provider and for its responses; a
-- second key of ours, while one replaces the other; the address from which metadata is fetched
-- regularly; and the warnings about certificates that expire.

-- attribute_mapping is a JSON object. allow_encrypted is off, gcm or cbc.
ALTER TABLE connections ADD COLUMN unsigned_requests boolean NOT NULL DEFAULT false;
ALTER TABLE connections ADD COLUMN allow_encrypted text NOT NULL DEFAULT 'off';
ALTER TABLE connections ADD COLUMN name_id_format text NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN attribute_mapping text NOT NULL DEFAULT '{}';
ALTER TABLE connections ADD COLUMN refuse_expired_certificates boolean NOT NULL DEFAULT false;

-- The standby key, encrypted, and its certificate; both null if there is none.
ALTER TABLE connections ADD COLUMN sp_standby_key bytea;
ALTER TABLE connections ADD COLUMN sp_standby_certificate text NOT NULL DEFAULT '';

-- The due times are null if there is nothing to do. A worker moves a due time before it does the
-- work.
ALTER TABLE connections ADD COLUMN metadata_refreshed_at bigint;
ALTER TABLE connections ADD COLUMN metadata_tried_at bigint;
ALTER TABLE connections ADD COLUMN metadata_due_at bigint;
ALTER TABLE connections ADD COLUMN metadata_error text NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN certificates_due_at bigint;
UPDATE connections SET metadata_refreshed_at = updated_at, metadata_due_at = updated_at WHERE idp_metadata_url <> '';
UPDATE connections SET certificates_due_at = updated_at;
CREATE INDEX connections_metadata_due ON connections (metadata_due_at) WHERE metadata_due_at IS NOT NULL;
CREATE INDEX connections_certificates_due ON connections (certificates_due_at) WHERE certificates_due_at IS NOT NULL;

-- There is one warning per certificate and number of days before its end.
CREATE TABLE certificate_warnings (
	organization_id text NOT NULL,
	connection_id text NOT NULL,
	fingerprint text NOT NULL,
	days bigint NOT NULL,
	created_at bigint NOT NULL,
	PRIMARY KEY (connection_id, fingerprint, days),
	FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX certificate_warnings_connection ON certificate_warnings (organization_id, connection_id);
