-- revision: 23
-- revises: none
-- upgrade
SELECT 'café';
