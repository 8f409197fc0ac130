-- revision: 07
-- revises: none

-- Upgrade:
-- CREATE TABLE t (a int)
-- upgrade the table
