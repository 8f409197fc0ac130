-- revision: s10
-- revises: s09
-- message: totals of orders

-- upgrade
CREATE VIEW order_totals AS
SELECT o.id, sum(l.quantity * l.cents) AS cents FROM orders AS o JOIN order_lines AS l ON l.order_id = o.id GROUP BY o.id;
ALTER TABLE customers ADD COLUMN spent integer NOT NULL DEFAULT 0;
UPDATE customers SET spent = coalesce((SELECT sum(v.cents) FROM order_totals AS v JOIN orders AS o ON o.id = v.id WHERE o.customer_id = customers.id), 0);

-- downgrade
DROP VIEW order_totals;
ALTER TABLE customers DROP COLUMN spent;
