-- revision: store0001
-- revises: none
-- message: rollouts, their plans and their facts

-- upgrade
CREATE TABLE rollout (
    id       text PRIMARY KEY,
    fleet    text NOT NULL,
    kind     text NOT NULL,
    target   text NOT NULL,
    created  timestamptz NOT NULL,
    tenants  bigint NOT NULL, -- of the whole fleet, chosen or not
    seq      bigint NOT NULL, -- number of the last fact; 0 = none
    state    text NOT NULL,   -- this and what follows is the fold of the facts
    finished timestamptz,     -- NULL while it runs
    counts   json NOT NULL    -- tenants by outcome
);

CREATE INDEX rollout_by_fleet ON rollout (fleet, created DESC, id DESC);

CREATE TABLE plan (
    rollout text PRIMARY KEY REFERENCES rollout,
    body    bytea NOT NULL -- JSON, gzip
);

CREATE TABLE fact (
    rollout text NOT NULL REFERENCES rollout,
    seq     bigint NOT NULL,
    at      timestamptz NOT NULL,
    kind    text NOT NULL,
    body    json NOT NULL, -- not jsonb, which would change its text
    PRIMARY KEY (rollout, seq)
);

CREATE TABLE holder ( -- of a fleet's lock, for people; the lock itself is an advisory one
    fleet   text PRIMARY KEY,
    backend integer NOT NULL, -- pg_backend_pid() of the session that has the lock
    body    json NOT NULL
);

-- downgrade
DROP TABLE holder;
DROP TABLE fact;
DROP TABLE plan;
DROP TABLE rollout;
