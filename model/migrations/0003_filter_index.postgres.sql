-- The document as filters compare it: names and texts folded, moments in UTC
-- and one form (fold_document.go). Never read, so that jsonb costs
-- no list request anything.
ALTER TABLE users ADD COLUMN document_folded jsonb NOT NULL DEFAULT '{}';
ALTER TABLE directory_groups ADD COLUMN document_folded jsonb NOT NULL DEFAULT '{}';

-- The one attribute of the document that identity providers match by.
CREATE INDEX users_employee_number ON users (organization_id,
	(document_folded #>> '{urn:ietf:params:scim:schemas:extension:enterprise:2.0:user,employeenumber}'))
	WHERE document_folded #>> '{urn:ietf:params:scim:schemas:extension:enterprise:2.0:user,employeenumber}' IS NOT NULL;
