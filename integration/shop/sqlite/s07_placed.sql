-- revision: s07
-- revises: s06
-- message: orders by day

-- upgrade
CREATE INDEX orders_placed_at_idx ON orders (placed_at);

-- downgrade
DROP INDEX orders_placed_at_idx;
