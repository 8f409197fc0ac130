-- revision: 29
-- revises: none
-- upgrade
CREATE TABLE t (a int);
	COMMIT;
