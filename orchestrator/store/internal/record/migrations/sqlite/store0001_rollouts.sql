-- revision: store0001
-- revises: none
-- message: rollouts, their plans and their facts

-- upgrade
CREATE TABLE rollout (
    id       TEXT PRIMARY KEY,
    fleet    TEXT NOT NULL,
    kind     TEXT NOT NULL,
    target   TEXT NOT NULL,
    created  INTEGER NOT NULL, -- times are microseconds since 1970, UTC
    tenants  INTEGER NOT NULL, -- of the whole fleet, chosen or not
    seq      INTEGER NOT NULL, -- number of the last fact; 0 = none
    state    TEXT NOT NULL,    -- this and what follows is the fold of the facts
    finished INTEGER,          -- NULL while it runs
    counts   TEXT NOT NULL     -- tenants by outcome, JSON
) WITHOUT ROWID;

CREATE INDEX rollout_by_fleet ON rollout (fleet, created DESC, id DESC);

CREATE TABLE plan (
    rollout TEXT PRIMARY KEY REFERENCES rollout,
    body    BLOB NOT NULL -- JSON, gzip
);

CREATE TABLE fact (
    rollout TEXT NOT NULL REFERENCES rollout,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    body    TEXT NOT NULL, -- JSON
    PRIMARY KEY (rollout, seq)
) WITHOUT ROWID;

-- downgrade
DROP TABLE fact;
DROP TABLE plan;
DROP TABLE rollout;
