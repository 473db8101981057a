-- Whoever asks for a rare type of event reads only the events of that type.
CREATE INDEX events_type ON events (type, restore, tx, id);
