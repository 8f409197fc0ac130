-- revision: 01
-- revises: none
-- upgrade
BEGIN IMMEDIATE;
ATTACH 'x.db' AS x; DETACH x;
PRAGMA foreign_keys = OFF; PRAGMA main.foreign_keys(1);
PRAGMA defer_foreign_keys = ON; -- may stand
VACUUM;
ROLLBACK TRANSACTION TO s; -- may stand
END TRANSACTION;
-- downgrade: no-transaction
PRAGMA foreign_keys = OFF;
VACUUM;
