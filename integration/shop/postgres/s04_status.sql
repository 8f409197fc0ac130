-- revision: s04
-- revises: s03
-- message: orders have a status

-- upgrade
ALTER TABLE orders ADD COLUMN status text NOT NULL DEFAULT 'open';
CREATE INDEX orders_open_idx ON orders (placed_at) WHERE status = 'open';

-- downgrade
ALTER TABLE orders DROP COLUMN status;
