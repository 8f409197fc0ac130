-- revision: store0002
-- revises: store0001
-- message: what operators asked of rollouts: commands and audit log at once

-- upgrade
CREATE TABLE command (
    rollout text NOT NULL REFERENCES rollout,
    seq     bigint NOT NULL,
    at      timestamptz NOT NULL,
    body    json NOT NULL,
    PRIMARY KEY (rollout, seq)
);

-- downgrade
DROP TABLE command;
