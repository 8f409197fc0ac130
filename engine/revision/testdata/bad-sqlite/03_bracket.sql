-- revision: 03
-- revises: none
-- upgrade
SELECT [a;
