-- The users and groups that a directory had and that were deleted. An identity provider may still
-- name them in the list of a group's members. A row stays as long as the directory, and has nothing
-- of the person. It does not refer to the directory: who deletes a user holds the user's row, and
-- would wait for whoever removes the directory, who waits for that row.
CREATE TABLE removed_resources (
	organization_id text NOT NULL,
	directory_id text NOT NULL,
	id text NOT NULL,
	PRIMARY KEY (organization_id, directory_id, id),
	FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

-- A tombstone does not say which directory it is of. Where there is one directory, it is of that.
INSERT INTO removed_resources (organization_id, directory_id, id)
SELECT DISTINCT t.organization_id, d.id, t.user_id
FROM tombstones t JOIN directories d ON d.organization_id = t.organization_id AND d.created_at <= t.created_at
WHERE NOT EXISTS (
	SELECT 1 FROM directories other WHERE other.organization_id = d.organization_id AND other.id <> d.id);
