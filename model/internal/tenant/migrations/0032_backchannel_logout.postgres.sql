-- Back-channel logout: which applications took part in a session, and whom of them to tell that it
-- has ended. Triggers write both, because access ends in many ways, some of them by one statement
-- or by a cascade: so none can be forgotten, and each is told in its own transaction.
-- session_applications are those that had a token of the session, whatever its tokens do. A row
-- goes when the session has ended. A delivery is due at next_at, and in the hands of a process
-- until then. Its organization may be gone.

CREATE TABLE session_applications (
	organization_id text NOT NULL,
	session_id text NOT NULL,
	application_id text NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
	expires_at bigint NOT NULL,
	PRIMARY KEY (session_id, application_id),
	FOREIGN KEY (organization_id, session_id) REFERENCES sessions (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX session_applications_session ON session_applications (organization_id, session_id);
CREATE INDEX session_applications_application ON session_applications (application_id);
CREATE INDEX session_applications_expiry ON session_applications (expires_at);

CREATE TABLE logout_deliveries (
	id text NOT NULL PRIMARY KEY,
	organization_id text NOT NULL,
	application_id text NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
	session_id text NOT NULL,
	user_id text NOT NULL,
	attempts bigint NOT NULL,
	next_at bigint NOT NULL
);
CREATE INDEX logout_deliveries_due ON logout_deliveries (next_at, id);
CREATE INDEX logout_deliveries_application ON logout_deliveries (application_id, next_at);

CREATE FUNCTION note_session_application() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO session_applications (organization_id, session_id, application_id, expires_at)
	SELECT s.organization_id, s.id, NEW.application_id, s.expires_at FROM sessions s
	WHERE s.organization_id = NEW.organization_id AND s.id = NEW.session_id
	ON CONFLICT DO NOTHING;
	RETURN NEW;
END
$$;
CREATE TRIGGER access_tokens_created AFTER INSERT ON access_tokens
	FOR EACH ROW EXECUTE FUNCTION note_session_application();

-- The sub-selects keep the planner from reading all sessions of an organization, which it may do while
-- it believes that there are few.
CREATE FUNCTION tell_applications(of_organization text, of_session text, of_user text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO logout_deliveries (id, organization_id, application_id, session_id, user_id, attempts, next_at)
	SELECT of_session || ':' || p.application_id, of_organization, p.application_id, of_session, of_user, 0, 0
	FROM (SELECT x.application_id FROM session_applications x WHERE x.session_id = of_session OFFSET 0) p,
		LATERAL (SELECT 1 FROM applications a
			WHERE a.id = p.application_id AND a.backchannel_logout_uri <> '' OFFSET 0) a
	ON CONFLICT DO NOTHING;
	DELETE FROM session_applications x WHERE x.session_id = of_session;
END
$$;

CREATE FUNCTION tell_end_of_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM tell_applications(OLD.organization_id, OLD.id, OLD.user_id);
	RETURN OLD;
END
$$;
CREATE TRIGGER sessions_ended AFTER UPDATE ON sessions
	FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION tell_end_of_session();
CREATE TRIGGER sessions_deleted BEFORE DELETE ON sessions
	FOR EACH ROW WHEN (OLD.ended_at IS NULL) EXECUTE FUNCTION tell_end_of_session();

CREATE FUNCTION tell_end_of_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM tell_applications(s.organization_id, s.id, s.user_id)
	FROM sessions s WHERE s.organization_id = OLD.organization_id AND s.user_id = OLD.id AND s.ended_at IS NULL;
	RETURN NULL;
END
$$;
CREATE TRIGGER users_access_ended AFTER UPDATE ON users
	FOR EACH ROW WHEN (OLD.epoch <> NEW.epoch) EXECUTE FUNCTION tell_end_of_access();
