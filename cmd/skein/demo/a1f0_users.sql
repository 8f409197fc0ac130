-- revision: a1f0
-- revises: none
-- branch_labels: core
-- message: users

-- upgrade
CREATE TABLE users (
	id integer PRIMARY KEY,
	email text NOT NULL,
	name text
);
INSERT INTO users (id, email, name) VALUES (1, 'ada@example.com', 'Ada'), (2, 'bob@example.com', 'Bob');

-- downgrade
DROP TABLE users;
