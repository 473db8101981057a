-- Extension schemas of users that an organization declared itself (RFC 7643 §7). attributes is
-- JSON, with all characteristics of each attribute.
CREATE TABLE organization_schemas (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
	urn text NOT NULL,
	urn_folded text NOT NULL,
	name text NOT NULL,
	description text NOT NULL,
	attributes text NOT NULL,
	version bigint NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	UNIQUE (organization_id, urn_folded)
);
