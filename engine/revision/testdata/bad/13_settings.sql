-- revision: 13
-- revises: none
-- upgrade
SET search_path = public;
SET /* why */ SESSION lock_timeout = 0;
SET TRANSACTION READ ONLY; SET LOCAL TRANSACTION READ ONLY;
RESET ALL;
DISCARD TEMP;
SET LOCAL statement_timeout = 0; SET CONSTRAINTS ALL DEFERRED; -- these may stand
-- downgrade: no-transaction
SET LOCAL statement_timeout = 0;
SET CONSTRAINTS ALL DEFERRED;
