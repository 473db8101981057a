-- A connection can be switched off and on again, and it remembers the first login that succeeded
-- while it was a draft. activated_by_hand connections stay drafts after that login. external_id is
-- the name that an application gave the connection; it is empty for most.
ALTER TABLE connections ADD COLUMN activated_by_hand boolean NOT NULL DEFAULT false;
ALTER TABLE connections ADD COLUMN tested_at bigint;
ALTER TABLE connections ADD COLUMN external_id text NOT NULL DEFAULT '';
CREATE UNIQUE INDEX connections_external_id ON connections (organization_id, external_id) WHERE external_id <> '';

-- An active connection had such a login. When it was is not known; the row has changed since.
UPDATE connections SET tested_at = updated_at WHERE state = 'active';
