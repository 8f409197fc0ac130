-- revision: 34
-- revises: none
-- upgrade
-- downgrade: template
SELECT {{ .X.a
