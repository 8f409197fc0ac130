-- revision: 08
-- revises: none
-- downgrade
SELECT 1;
