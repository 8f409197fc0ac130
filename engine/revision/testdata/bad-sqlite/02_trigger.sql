-- revision: 02
-- revises: none
-- upgrade
CREATE TEMP TRIGGER x AFTER INSERT ON t
BEGIN
  SELECT CASE WHEN 1 THEN 2 END;
