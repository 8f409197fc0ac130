-- Revision: 03
-- Revises:

-- upgrade
