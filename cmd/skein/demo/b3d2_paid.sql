-- revision: b3d2
-- revises: b2c1
-- message: invoices know when they were paid

-- upgrade
ALTER TABLE invoices ADD COLUMN paid_at text;

-- downgrade
ALTER TABLE invoices DROP COLUMN paid_at;
