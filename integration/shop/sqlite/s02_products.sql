-- revision: s02
-- revises: s01
-- message: products

-- upgrade
CREATE TABLE products (
	id integer PRIMARY KEY,
	sku text NOT NULL UNIQUE,
	title text NOT NULL,
	cents integer NOT NULL CHECK (cents >= 0)
);
CREATE INDEX products_title_idx ON products (lower(title));
INSERT INTO products (sku, title, cents) VALUES ('A-1', 'Anorak', 9900), ('B-2', 'Boots; sturdy', 12900);

-- downgrade
DROP TABLE products;
