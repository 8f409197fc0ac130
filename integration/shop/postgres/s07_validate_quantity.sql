-- revision: s07
-- revises: s06
-- message: validate the quantities

-- upgrade
ALTER TABLE order_lines VALIDATE CONSTRAINT order_lines_quantity_check;

-- downgrade

