-- revision: b2c1
-- revises: a1f0
-- branch_labels: billing
-- message: invoices

-- upgrade
CREATE TABLE invoices (
	id integer PRIMARY KEY,
	user_id integer NOT NULL REFERENCES users (id),
	cents integer NOT NULL CHECK (cents >= 0)
);
CREATE INDEX invoices_user_id ON invoices (user_id);

-- downgrade
DROP TABLE invoices;
