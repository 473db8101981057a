-- PostgreSQL chooses an index by statistics, which may be of a time when the tables were empty, or
-- all organizations small. Then any index that begins with the organization seems to be as good as
-- any other, and an answer of one row reads a whole organization. So no statement has the choice.
-- Each index answers one question, and fits no other:
--   - An index of a list in an organization has a condition on its next column. Every statement
--     that asks for that column fulfills it, and no other statement does.
--   - A key begins with the column that finds one row.
--   - The index of what has expired is one of an expression that only sweeping has.

-- The unique keys that foreign keys refer to begin with the id.
DO $$
DECLARE
	key record;
	reference record;
	again text[];
	part text;
BEGIN
	FOR key IN SELECT conrelid::regclass AS of, conname, conindid FROM pg_constraint
		WHERE contype = 'u' AND connamespace = current_schema::regnamespace
			AND pg_get_constraintdef(oid) = 'UNIQUE (organization_id, id)' ORDER BY conname
	LOOP
		again := '{}';
		FOR reference IN SELECT conrelid::regclass AS of, conname, pg_get_constraintdef(oid) AS definition
			FROM pg_constraint WHERE contype = 'f' AND conindid = key.conindid ORDER BY conname
		LOOP
			EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', reference.of, reference.conname);
			again := again || format('ALTER TABLE %s ADD CONSTRAINT %I %s',
				reference.of, reference.conname, reference.definition);
		END LOOP;
		EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', key.of, key.conname);
		EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I UNIQUE (id, organization_id)', key.of, key.conname);
		FOREACH part IN ARRAY again LOOP
			EXECUTE part;
		END LOOP;
	END LOOP;
END $$;

-- Lists of an organization in the order of ids.
CREATE INDEX users_organization ON users (organization_id, id) WHERE id > '';
CREATE INDEX directory_groups_organization ON directory_groups (organization_id, id) WHERE id > '';
CREATE INDEX sessions_organization ON sessions (organization_id, id) WHERE id > '';
CREATE INDEX tombstones_organization ON tombstones (organization_id, id) WHERE id > '';
CREATE INDEX accounts_organization ON accounts (organization_id, id) WHERE id > '';
CREATE INDEX account_groups_organization ON account_groups (organization_id, id) WHERE id > '';
CREATE INDEX connections_organization ON connections (organization_id, id) WHERE id > '';
CREATE INDEX directories_organization ON directories (organization_id, id) WHERE id > '';

DROP INDEX users_directory;
CREATE INDEX users_directory ON users (organization_id, directory_id, created_at, id) WHERE directory_id IS NOT NULL;
DROP INDEX users_display_name;
CREATE INDEX users_display_name ON users (organization_id, display_name_folded) WHERE display_name_folded IS NOT NULL;
ALTER TABLE users DROP CONSTRAINT users_organization_id_user_name_folded_key;
CREATE UNIQUE INDEX users_user_name ON users (organization_id, user_name_folded) WHERE user_name_folded IS NOT NULL;

DROP INDEX user_values_value;
CREATE INDEX user_values_value ON user_values (organization_id, attribute, value_folded, type_folded)
	WHERE attribute IS NOT NULL;

DROP INDEX directory_groups_created;
CREATE INDEX directory_groups_created ON directory_groups (organization_id, (directory_id || ''), created_at, id)
	WHERE (directory_id || '') IS NOT NULL;
ALTER TABLE directory_groups DROP CONSTRAINT directory_groups_directory_id_display_name_folded_key;
CREATE UNIQUE INDEX directory_groups_display_name ON directory_groups (directory_id, display_name_folded)
	WHERE display_name_folded IS NOT NULL;

-- The unique index of identities begins with the connection as well.
DROP INDEX identities_connection;
DROP INDEX identities_user;
CREATE INDEX identities_user ON identities (organization_id, user_id) WHERE user_id IS NOT NULL;
ALTER TABLE identities DROP CONSTRAINT identities_organization_id_connection_id_issuer_subject_key;
CREATE UNIQUE INDEX identities_subject ON identities (organization_id, connection_id, issuer, subject)
	WHERE connection_id IS NOT NULL;

DROP INDEX tombstone_keys_hash;
ALTER TABLE tombstone_keys DROP CONSTRAINT tombstone_keys_pkey;
ALTER TABLE tombstone_keys ADD PRIMARY KEY (hash, tombstone_id);
CREATE INDEX tombstone_keys_tombstone ON tombstone_keys (tombstone_id);

-- A list of ids is looked up one by one.
ALTER TABLE removed_resources DROP CONSTRAINT removed_resources_pkey;
ALTER TABLE removed_resources ADD PRIMARY KEY (id, directory_id, organization_id);

-- sessions_name_id begins with the connection as well.
DROP INDEX sessions_connection;
DROP INDEX sessions_user;
CREATE INDEX sessions_user ON sessions (organization_id, user_id, id) WHERE user_id IS NOT NULL;
DROP INDEX sessions_name_id;
CREATE INDEX sessions_name_id ON sessions (organization_id, connection_id, name_id_hash)
	WHERE connection_id IS NOT NULL;
DROP INDEX authorization_codes_session;
CREATE INDEX authorization_codes_session ON authorization_codes (organization_id, session_id)
	WHERE session_id IS NOT NULL;
DROP INDEX access_tokens_session;
CREATE INDEX access_tokens_session ON access_tokens (organization_id, session_id) WHERE session_id IS NOT NULL;

DROP INDEX asserted_groups_connection;
CREATE INDEX asserted_groups_connection ON asserted_groups (organization_id, connection_id)
	WHERE connection_id IS NOT NULL;
DROP INDEX login_attempts_connection;
CREATE INDEX login_attempts_connection ON login_attempts (organization_id, connection_id, id)
	WHERE connection_id IS NOT NULL;
DROP INDEX login_attempts_failures;
CREATE INDEX login_attempts_failures ON login_attempts (organization_id, connection_id, succeeded, created_at)
	WHERE created_at IS NOT NULL;

DROP INDEX licenses_user;
CREATE INDEX licenses_user ON licenses (organization_id, user_id) WHERE user_id IS NOT NULL;
DROP INDEX licenses_account;
CREATE INDEX licenses_account ON licenses (organization_id, account_id) WHERE account_id IS NOT NULL;
DROP INDEX group_assignments_user;
CREATE INDEX group_assignments_user ON group_assignments (organization_id, user_id) WHERE user_id IS NOT NULL;
DROP INDEX group_assignments_group;
CREATE INDEX group_assignments_group ON group_assignments (organization_id, group_id) WHERE group_id IS NOT NULL;

DROP INDEX used_tokens_expiry;
CREATE INDEX used_tokens_expiry ON used_tokens ((expires_at + 0));
DROP INDEX single_logouts_expiry;
CREATE INDEX single_logouts_expiry ON single_logouts ((expires_at + 0));
DROP INDEX assertions_expiry;
CREATE INDEX assertions_expiry ON assertions ((expires_at + 0));
DROP INDEX authorization_codes_expiry;
CREATE INDEX authorization_codes_expiry ON authorization_codes ((expires_at + 0));
DROP INDEX access_tokens_expiry;
CREATE INDEX access_tokens_expiry ON access_tokens ((expires_at + 0));
DROP INDEX sessions_expiry;
CREATE INDEX sessions_expiry ON sessions ((expires_at + 0));
DROP INDEX operator_sessions_expiry;
CREATE INDEX operator_sessions_expiry ON operator_sessions ((expires_at + 0));
DROP INDEX password_setups_expiry;
CREATE INDEX password_setups_expiry ON password_setups ((expires_at + 0));
DROP INDEX login_responses_expiry;
CREATE INDEX login_responses_expiry ON login_responses ((expires_at + 0));
