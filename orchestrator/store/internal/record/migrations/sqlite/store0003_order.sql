-- revision: store0003
-- revises: store0002
-- message: the order in which a fleet's rollouts were made, whatever the clocks of their machines said

-- upgrade
ALTER TABLE rollout ADD COLUMN number INTEGER NOT NULL DEFAULT 0; -- from 1, in each fleet

UPDATE rollout SET number = (
    SELECT count(*) FROM rollout r
    WHERE r.fleet = rollout.fleet AND (r.created < rollout.created OR r.created = rollout.created AND r.id <= rollout.id)
);

DROP INDEX rollout_by_fleet;

CREATE UNIQUE INDEX rollout_by_number ON rollout (fleet, number);

-- downgrade
DROP INDEX rollout_by_number;

CREATE INDEX rollout_by_fleet ON rollout (fleet, created DESC, id DESC);

ALTER TABLE rollout DROP COLUMN number;
