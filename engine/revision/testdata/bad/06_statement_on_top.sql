-- revision: 06
-- revises: none
  CREATE TABLE t (a int); SELECT 1;
-- message: not read any more
-- upgrade
