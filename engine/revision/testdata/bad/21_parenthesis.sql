-- revision: 21
-- revises: none
-- upgrade
CREATE TABLE t (
  a int, CHECK (a > 0);
CREATE TABLE u (a int);
