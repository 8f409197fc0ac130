-- revision: s06
-- revises: s05
-- message: a line has at least one piece, to be validated

-- upgrade
ALTER TABLE order_lines ADD CONSTRAINT order_lines_quantity_check CHECK (quantity > 0) NOT VALID;

-- downgrade
ALTER TABLE order_lines DROP CONSTRAINT order_lines_quantity_check;
