-- revision: 27c6a30d7c24
-- revises: 1975ea83b712
-- message: an address for each user

-- upgrade
ALTER TABLE users ADD COLUMN email text;

-- downgrade
ALTER TABLE users DROP COLUMN email;
