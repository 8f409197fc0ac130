package state

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/orchestrator"
)

// Command implements orchestrator.Store.
func (s *Postgres) Command(ctx context.Context, c orchestrator.Command) (orchestrator.Command, error) {
	c.At, c.Seq = c.At.UTC().Truncate(time.Microsecond), 0
	same, err := json.Marshal(c)
	if err != nil {
		return c, err
	}
	err = s.do(ctx, func(conn *pgx.Conn) error {
		// The rollout's row is the lock under which commands are numbered. A call whose answer was lost finds
		// its own row.
		var seq *int64
		err := conn.QueryRow(ctx, `
			WITH mine AS (SELECT id FROM skein.rollout WHERE id = $1 FOR UPDATE),
			said AS (SELECT seq FROM skein.command WHERE rollout = $1 AND at = $2 AND body::jsonb = $3::text::jsonb),
			new AS (
				INSERT INTO skein.command (rollout, seq, at, body)
				SELECT id, (SELECT coalesce(max(seq), 0) + 1 FROM skein.command WHERE rollout = $1), $2, $3::text::json
				FROM mine WHERE NOT EXISTS (SELECT FROM said) RETURNING seq
			) SELECT coalesce((SELECT seq FROM said LIMIT 1), (SELECT seq FROM new))`, c.Rollout, c.At, string(same)).Scan(&seq)
		if err != nil {
			return err
		}
		if seq == nil {
			return orchestrator.ErrNoRollout
		}
		c.Seq = *seq
		return nil
	})
	return c, err
}

// Commands implements orchestrator.Store.
func (s *Postgres) Commands(ctx context.Context, rollout string, after int64) (list []orchestrator.Command, err error) {
	err = s.do(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT seq, body::text FROM skein.rollout LEFT JOIN skein.command ON rollout = id AND seq > $2
			WHERE id = $1 ORDER BY seq`, rollout, after)
		if err != nil {
			return err
		}
		list = []orchestrator.Command{}
		known := false
		var seq *int64
		var body *string
		_, err = pgx.ForEachRow(rows, []any{&seq, &body}, func() error {
			known = true
			if body == nil { // there is none
				return nil
			}
			var c orchestrator.Command
			if err := json.Unmarshal([]byte(*body), &c); err != nil {
				return err
			}
			c.Seq = *seq
			list = append(list, c)
			return nil
		})
		if err == nil && !known {
			err = orchestrator.ErrNoRollout
		}
		return err
	})
	return list, err
}
