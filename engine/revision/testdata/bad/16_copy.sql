-- revision: 16
-- revises: none
-- upgrade
CREATE TABLE t (a int, "from" text);
COPY t (a) FROM STDIN WITH (FORMAT csv);
1	it's
\.
