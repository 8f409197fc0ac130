-- revision: e6a5
-- revises: d5f4
-- message: one user an e-mail address

-- upgrade
CREATE UNIQUE INDEX users_email ON users (email);

-- downgrade
DROP INDEX users_email;
