-- Why a token has ended is asked by the user of an event.
CREATE INDEX events_access_ended ON events (organization_id, subject, id) WHERE type = 'user.access_ended';
