-- The document as filters compare it: names and texts folded, times in UTC and in one form.
ALTER TABLE users ADD COLUMN document_folded text NOT NULL DEFAULT '{}';
ALTER TABLE directory_groups ADD COLUMN document_folded text NOT NULL DEFAULT '{}';

-- The one attribute of the document by which identity providers match users.
CREATE INDEX users_employee_number ON users (organization_id,
	document_folded ->> '$."urn:ietf:params:scim:schemas:extension:enterprise:2.0:user".employeenumber')
	WHERE document_folded ->> '$."urn:ietf:params:scim:schemas:extension:enterprise:2.0:user".employeenumber'
		IS NOT NULL;
