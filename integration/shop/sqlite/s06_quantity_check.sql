-- revision: s06
-- revises: s05
-- message: a line has at least one piece

-- upgrade
CREATE TABLE new_order_lines (
	order_id integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
	line integer NOT NULL,
	product_id integer NOT NULL REFERENCES products (id),
	quantity integer NOT NULL CHECK (quantity > 0),
	PRIMARY KEY (order_id, line)
);
INSERT INTO new_order_lines SELECT order_id, line, product_id, quantity FROM order_lines;
DROP TABLE order_lines;
ALTER TABLE new_order_lines RENAME TO order_lines;
CREATE INDEX order_lines_product_id_idx ON order_lines (product_id);

-- downgrade
CREATE TABLE new_order_lines (
	order_id integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
	line integer NOT NULL,
	product_id integer NOT NULL REFERENCES products (id),
	quantity integer NOT NULL,
	PRIMARY KEY (order_id, line)
);
INSERT INTO new_order_lines SELECT order_id, line, product_id, quantity FROM order_lines;
DROP TABLE order_lines;
ALTER TABLE new_order_lines RENAME TO order_lines;
CREATE INDEX order_lines_product_id_idx ON order_lines (product_id);
