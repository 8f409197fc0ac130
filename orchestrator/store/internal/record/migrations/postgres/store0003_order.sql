-- revision: store0003
-- revises: store0002
-- message: the order in which a fleet's rollouts were made, whatever the clocks of their machines said

-- upgrade
ALTER TABLE rollout ADD COLUMN number bigint; -- from 1, in each fleet

UPDATE rollout SET number = numbered.number
FROM (SELECT id, row_number() OVER (PARTITION BY fleet ORDER BY created, id) AS number FROM rollout) AS numbered
WHERE numbered.id = rollout.id;

ALTER TABLE rollout ALTER COLUMN number SET NOT NULL;

DROP INDEX rollout_by_fleet;

CREATE UNIQUE INDEX rollout_by_number ON rollout (fleet, number);

-- downgrade
DROP INDEX rollout_by_number;

CREATE INDEX rollout_by_fleet ON rollout (fleet, created DESC, id DESC);

ALTER TABLE rollout DROP COLUMN number;
