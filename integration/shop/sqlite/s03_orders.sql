-- revision: s03
-- revises: s02
-- message: orders and their lines

-- upgrade
CREATE TABLE orders (
	id integer PRIMARY KEY,
	customer_id integer NOT NULL REFERENCES customers (id),
	placed_at text NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
CREATE TABLE order_lines (
	order_id integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
	line integer NOT NULL,
	product_id integer NOT NULL REFERENCES products (id),
	quantity integer NOT NULL,
	PRIMARY KEY (order_id, line)
);
CREATE INDEX order_lines_product_id_idx ON order_lines (product_id);
INSERT INTO orders (customer_id) SELECT id FROM customers;
INSERT INTO order_lines (order_id, line, product_id, quantity)
SELECT o.id, 1, (SELECT min(id) FROM products), 2 FROM orders AS o;

-- downgrade
DROP TABLE order_lines;
DROP TABLE orders;
