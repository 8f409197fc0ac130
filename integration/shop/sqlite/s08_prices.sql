-- revision: s08
-- revises: s07
-- message: a line remembers its price

-- upgrade
ALTER TABLE order_lines ADD COLUMN cents integer;
UPDATE order_lines SET cents = (SELECT p.cents FROM products AS p WHERE p.id = order_lines.product_id);

-- downgrade
ALTER TABLE order_lines DROP COLUMN cents;
