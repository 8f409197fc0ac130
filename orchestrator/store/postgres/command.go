package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/internal/record"
)

// Send implements [rollout.Commands]. It is one message.
func (s *Store) Send(ctx context.Context, c rollout.Command) (rollout.Command, error) {
	a, err := record.NewCommand(c)
	if err != nil {
		return c, err
	}
	var seq *int64
	err = s.do(ctx, func(conn *pgx.Conn) (err error) {
		for end := time.Now().Add(record.BusyTime); ; {
			seq, err = numberIn(ctx, conn, a)
			if !collided(err) || ctx.Err() != nil || time.Now().After(end) {
				return err
			}
		}
	})
	if err == nil && seq == nil {
		err = rollout.ErrNoRollout
	}
	if err != nil {
		return c, err
	}
	return a.Numbered(*seq)
}

// collided reports whether another process was faster. That is possible only where the database or the
// role has another isolation than READ COMMITTED for its default: then one snapshot, taken before the lock was
// waited for, serves both statements of numberIn.
func collided(err error) bool {
	switch sqlState(err) {
	case "23505", "40001", "40P01":
		return true
	}
	return false
}

// numberIn stores a command, unless it is there already, and returns its number; nil when there is no such
// rollout. The rollout's row is the lock under which commands are numbered. It is taken by a statement of its
// own, since a statement sees what was there when it began and not when it got the lock. The two are one
// transaction, as they are sent without waiting in between.
func numberIn(ctx context.Context, conn *pgx.Conn, a record.Command) (seq *int64, err error) {
	batch := &pgx.Batch{}
	batch.Queue(`SELECT id FROM skein.rollout WHERE id = $1 FOR NO KEY UPDATE`, a.Rollout)
	batch.Queue(`
		WITH said AS (
			SELECT seq FROM skein.command WHERE rollout = $1 AND at = $2 AND body::text = $3
		), new AS (
			INSERT INTO skein.command (rollout, seq, at, body)
			SELECT id, (SELECT coalesce(max(seq), 0) + 1 FROM skein.command WHERE rollout = $1), $2, $3::text::json
			FROM skein.rollout, `+durable+` WHERE id = $1 AND NOT EXISTS (SELECT FROM said) RETURNING seq
		) SELECT coalesce((SELECT min(seq) FROM said), (SELECT seq FROM new))`,
		a.Rollout, record.Micros(a.At), a.Body).QueryRow(func(row pgx.Row) error { return row.Scan(&seq) })
	err = conn.SendBatch(ctx, batch).Close()
	return seq, err
}

// Since implements [rollout.Commands].
func (s *Store) Since(ctx context.Context, rollout string, after int64) (list []rollout.Command, err error) {
	err = s.do(ctx, func(conn *pgx.Conn) error {
		list, err = commandsIn(ctx, conn, rollout, after)
		return err
	})
	return list, err
}

func commandsIn(ctx context.Context, conn *pgx.Conn, id string, after int64) ([]rollout.Command, error) {
	// A rollout without such a command is one row of NULLs, and no rollout is none.
	rows, err := conn.Query(ctx, `SELECT c.seq, c.body::text FROM skein.rollout r LEFT JOIN skein.command c ON c.rollout = r.id AND c.seq > $2
		WHERE r.id = $1 ORDER BY c.seq`, id, after)
	if err != nil {
		return nil, err
	}
	list := []rollout.Command{}
	known := false
	var seq *int64
	var body *string
	_, err = pgx.ForEachRow(rows, []any{&seq, &body}, func() error {
		known = true
		if seq == nil {
			return nil
		}
		a := record.Command{Rollout: id, Body: *body}
		c, err := a.Numbered(*seq)
		list = append(list, c)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, rollout.ErrNoRollout
	}
	return list, nil
}
