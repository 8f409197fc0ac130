-- revision: 09
-- revises: none
-- upgrade
CREATE TABLE t (a int);
--downgrade
DROP TABLE t;
