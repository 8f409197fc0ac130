-- revision: c4e3
-- revises: a1f0
-- branch_labels: audit
-- message: audit log

-- upgrade
CREATE TABLE audit (
	id integer PRIMARY KEY,
	user_id integer REFERENCES users (id),
	what text NOT NULL
);

-- downgrade
DROP TABLE audit;
