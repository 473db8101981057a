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

CREATE TRIGGER access_tokens_created AFTER INSERT ON access_tokens BEGIN
	INSERT OR IGNORE INTO session_applications (organization_id, session_id, application_id, expires_at)
	SELECT s.organization_id, s.id, NEW.application_id, s.expires_at FROM sessions s
	WHERE s.organization_id = NEW.organization_id AND s.id = NEW.session_id; END;

CREATE TRIGGER sessions_ended AFTER UPDATE ON sessions
	WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL BEGIN
	INSERT OR IGNORE INTO logout_deliveries
		(id, organization_id, application_id, session_id, user_id, attempts, next_at)
	SELECT p.session_id || ':' || p.application_id, OLD.organization_id, p.application_id, OLD.id, OLD.user_id, 0, 0
	FROM session_applications p JOIN applications a ON a.id = p.application_id
	WHERE p.organization_id = OLD.organization_id AND p.session_id = OLD.id AND a.backchannel_logout_uri <> ''; DELETE FROM session_applications
	WHERE organization_id = OLD.organization_id AND session_id = OLD.id; END;

CREATE TRIGGER sessions_deleted BEFORE DELETE ON sessions
	WHEN OLD.ended_at IS NULL BEGIN
	INSERT OR IGNORE INTO logout_deliveries
		(id, organization_id, application_id, session_id, user_id, attempts, next_at)
	SELECT p.session_id || ':' || p.application_id, OLD.organization_id, p.application_id, OLD.id, OLD.user_id, 0, 0
	FROM session_applications p JOIN applications a ON a.id = p.application_id
	WHERE p.organization_id = OLD.organization_id AND p.session_id = OLD.id AND a.backchannel_logout_uri <> ''; DELETE FROM session_applications
	WHERE organization_id = OLD.organization_id AND session_id = OLD.id; END;

CREATE TRIGGER users_access_ended AFTER UPDATE ON users
	WHEN OLD.epoch <> NEW.epoch BEGIN
	INSERT OR IGNORE INTO logout_deliveries
		(id, organization_id, application_id, session_id, user_id, attempts, next_at)
	SELECT p.session_id || ':' || p.application_id, s.organization_id, p.application_id, s.id, s.user_id, 0, 0
	FROM sessions s JOIN session_applications p ON p.organization_id = s.organization_id AND p.session_id = s.id
	JOIN applications a ON a.id = p.application_id
	WHERE s.organization_id = OLD.organization_id AND s.user_id = OLD.id AND a.backchannel_logout_uri <> ''; DELETE FROM session_applications
	WHERE organization_id = OLD.organization_id AND session_id IN
		(SELECT s.id FROM sessions s WHERE s.organization_id = OLD.organization_id AND s.user_id = OLD.id); END;
