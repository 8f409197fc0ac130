-- revision: 04
-- revises: none
-- upgrade
SELECT t
.a FROM t;
.read other.sql
