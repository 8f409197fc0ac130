-- revision: 1975ea83b712
-- revises: none
-- message: users

-- upgrade
CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL);

-- downgrade
DROP TABLE users;
