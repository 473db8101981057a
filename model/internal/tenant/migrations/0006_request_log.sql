-- The latest SCIM requests of a directory, for the customer's IT, without personal data.
CREATE TABLE directory_requests (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	directory_id text NOT NULL,
	method text NOT NULL,
	path text NOT NULL,
	resource_id text NOT NULL,
	filter text NOT NULL,
	status bigint NOT NULL,
	scim_type text NOT NULL,
	detail text NOT NULL,
	duration bigint NOT NULL,
	token_id text NOT NULL,
	token_name text NOT NULL,
	token_suffix text NOT NULL,
	request_id text NOT NULL,
	created_at bigint NOT NULL,
	FOREIGN KEY (organization_id, directory_id) REFERENCES directories (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX directory_requests_directory ON directory_requests (organization_id, directory_id, id);
