-- revision: 17
-- revises: none
-- upgrade
SELECT 1;
SELECT 'it''s, (x;
-- downgrade
SELECT 2;
