-- revision: 27
-- revises: none
-- upgrade: template
SELECT 1;
GRANT SELECT ON t TO {{ .Tenant.Labels.role };
-- downgrade: template
SELECT '{{ if .X.a }}';
