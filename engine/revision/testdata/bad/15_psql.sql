-- revision: 15
-- revises: none
-- upgrade
CREATE TABLE t (a int);
\i other.sql
SELECT 'it's';
