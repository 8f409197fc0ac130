-- revision: 19
-- revises: none
-- upgrade
SELECT 1; /* a /* nested */ one
-- downgrade
