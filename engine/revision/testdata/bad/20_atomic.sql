-- revision: 20
-- revises: none
-- upgrade
CREATE FUNCTION f(a int) RETURNS int
BEGIN ATOMIC
  SELECT CASE WHEN a > 0 THEN 1 END;
-- downgrade
DROP FUNCTION f;
