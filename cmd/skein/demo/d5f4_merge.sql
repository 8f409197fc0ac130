-- revision: d5f4
-- revises: b3d2, c4e3
-- message: merge billing and audit

-- upgrade

-- downgrade
