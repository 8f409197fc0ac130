-- revision: s08
-- revises: s07
-- message: a line remembers its price

-- upgrade
ALTER TABLE order_lines ADD COLUMN cents integer;
UPDATE order_lines AS l SET cents = p.cents FROM products AS p WHERE p.id = l.product_id;
ALTER TABLE order_lines ALTER COLUMN cents SET NOT NULL;

-- downgrade
ALTER TABLE order_lines DROP COLUMN cents;
