-- The document as filters compare it: names and texts folded, times in UTC and in one form. No
-- request reads this column, so that jsonb does not slow down lists.
ALTER TABLE users ADD COLUMN document_folded jsonb NOT NULL DEFAULT '{}';
ALTER TABLE directory_groups ADD COLUMN document_folded jsonb NOT NULL DEFAULT '{}';

-- The one attribute of the document by which identity providers match users.
CREATE INDEX users_employee_number ON users (organization_id,
	(document_folded #>> '{urn:ietf:params:scim:schemas:extension:enterprise:2.0:user,employeenumber}'))
	WHERE document_folded #>> '{urn:ietf:params:scim:schemas:extension:enterprise:2.0:user,employeenumber}' IS NOT NULL;
