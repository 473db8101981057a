-- What was of no use in an identity provider's metadata and was left out: a list of sentences.
ALTER TABLE connections ADD COLUMN metadata_notes text NOT NULL DEFAULT '[]';
