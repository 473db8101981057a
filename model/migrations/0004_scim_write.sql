-- Groups that are members of groups. Both are of one directory, and no group is, by way of others,
-- a member of itself: who writes here holds the directory's row.
CREATE TABLE directory_group_groups (
	organization_id text NOT NULL,
	group_id text NOT NULL,
	member_id text NOT NULL,
	PRIMARY KEY (group_id, member_id),
	FOREIGN KEY (organization_id, group_id) REFERENCES directory_groups (organization_id, id) ON DELETE CASCADE,
	FOREIGN KEY (organization_id, member_id) REFERENCES directory_groups (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX directory_group_groups_member ON directory_group_groups (member_id, group_id);

-- A strict directory is answered by the RFC's words only.
ALTER TABLE directories ADD COLUMN strict boolean NOT NULL DEFAULT false;

-- bearer: the secret is sent with each request. client_credentials: it buys access tokens of an hour.
ALTER TABLE directory_tokens ADD COLUMN type text NOT NULL DEFAULT 'bearer';
