-- revision: 32
-- revises: none
-- upgrade: template
-- skein:touches public
SELECT {{ "'" }}'{{/* ' */}}a;
-- downgrade
