-- revision: s01
-- revises: none
-- message: customers

-- upgrade
CREATE TABLE customers (
	id integer PRIMARY KEY,
	email text NOT NULL UNIQUE,
	name text NOT NULL,
	created_at text NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO customers (email, name) VALUES ('c1@example.com', 'Customer 1'), ('c2@example.com', 'Customer 2'), ('c3@example.com', 'Customer 3');

-- downgrade
DROP TABLE customers;
