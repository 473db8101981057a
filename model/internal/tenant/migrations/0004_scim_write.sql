-- Groups that are members of groups. Both belong to the same directory. No group is a member of
-- itself, directly or through other groups: a transaction that writes here locks the directory's
-- row to check that.
CREATE TABLE directory_group_groups (
	organization_id text NOT NULL,
	group_id text NOT NULL,
	member_id text NOT NULL,
	PRIMARY KEY (group_id, member_id),
	FOREIGN KEY (organization_id, group_id) REFERENCES directory_groups (organization_id, id) ON DELETE CASCADE,
	FOREIGN KEY (organization_id, member_id) REFERENCES directory_groups (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX directory_group_groups_member ON directory_group_groups (member_id, group_id);

-- A strict directory accepts only what the RFC allows, and no dialect of identity providers.
ALTER TABLE directories ADD COLUMN strict boolean NOT NULL DEFAULT false;

-- bearer: the client sends the secret with each request. client_credentials: the client exchanges
-- it for access tokens of an hour.
ALTER TABLE directory_tokens ADD COLUMN type text NOT NULL DEFAULT 'bearer';
