-- revision: store0002
-- revises: store0001
-- message: what operators asked of rollouts: commands and audit log at once

-- upgrade
CREATE TABLE command (
    rollout TEXT NOT NULL REFERENCES rollout,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    TEXT NOT NULL, -- JSON
    PRIMARY KEY (rollout, seq)
) WITHOUT ROWID;

-- downgrade
DROP TABLE command;
