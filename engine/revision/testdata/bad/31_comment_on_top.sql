-- revision: 31
-- revises: none
  -- upgrade
/* a
