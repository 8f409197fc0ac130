-- revision: 05
-- revises: none
-- upgrade
SELECT 1; /* a /* b */ ; SELECT `x``;
