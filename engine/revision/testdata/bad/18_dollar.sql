-- revision: 18
-- revises: none
-- upgrade
DO $body$ BEGIN NULL; END $Body$;
