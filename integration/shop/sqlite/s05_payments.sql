-- revision: s05
-- revises: s04
-- message: payments

-- upgrade
CREATE TABLE payments (
	id integer PRIMARY KEY,
	order_id integer NOT NULL REFERENCES orders (id),
	cents integer NOT NULL,
	provider text NOT NULL,
	reference text,
	UNIQUE (provider, reference)
);
CREATE INDEX payments_order_id_idx ON payments (order_id);

-- downgrade
DROP TABLE payments;
