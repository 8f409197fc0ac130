-- revision: 01
-- revise: none
-- revises: none
-- See also: this is a comment, and so is https://example.org
-- http://example.org
-- note: and this is not

-- upgrade
