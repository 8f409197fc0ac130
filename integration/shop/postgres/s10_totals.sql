-- revision: s10
-- revises: s09
-- message: totals of orders

-- upgrade
CREATE VIEW order_totals AS
SELECT o.id, sum(l.quantity * l.cents) AS cents FROM orders AS o JOIN order_lines AS l ON l.order_id = o.id GROUP BY o.id;
ALTER TABLE customers ADD COLUMN spent bigint NOT NULL DEFAULT 0;
UPDATE customers AS c SET spent = t.cents
FROM (SELECT o.customer_id, sum(v.cents) AS cents FROM order_totals AS v JOIN orders AS o ON o.id = v.id GROUP BY o.customer_id) AS t
WHERE t.customer_id = c.id;

-- downgrade
ALTER TABLE customers DROP COLUMN spent;
DROP VIEW order_totals;
