-- revision: f7b6
-- revises: e6a5
-- message: settings

-- upgrade
CREATE TABLE settings (
	name text PRIMARY KEY,
	value text NOT NULL
);
INSERT INTO settings (name, value) VALUES ('theme', 'light');

-- downgrade
DROP TABLE settings;
