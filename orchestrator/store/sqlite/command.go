package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/internal/record"
)

// Send implements [rollout.Commands]. The transaction has the file's write lock from its beginning, so
// that no other process gives the same number.
func (s *Store) Send(ctx context.Context, c rollout.Command) (rollout.Command, error) {
	a, err := record.NewCommand(c)
	if err != nil {
		return c, err
	}
	var seq int64
	err = s.write(ctx, func(tx *sql.Tx) (err error) {
		seq, err = number(ctx, tx, a)
		return err
	})
	if err != nil {
		return c, err
	}
	return a.Numbered(seq)
}

// number stores a command, unless it is there already, and returns its number.
func number(ctx context.Context, tx *sql.Tx, a record.Command) (seq int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT seq FROM command WHERE rollout = ? AND at = ? AND body = ?`, a.Rollout, a.At, a.Body).Scan(&seq)
	if !errors.Is(err, sql.ErrNoRows) {
		return seq, err // of a call that is repeated
	}
	err = tx.QueryRowContext(ctx, `INSERT INTO command (rollout, seq, at, body)
		SELECT id, (SELECT coalesce(max(seq), 0) + 1 FROM command WHERE rollout = id), ?, ? FROM rollout WHERE id = ? RETURNING seq`,
		a.At, a.Body, a.Rollout).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		err = rollout.ErrNoRollout
	}
	return seq, err
}

// Since implements [rollout.Commands]. It reads a few pages, and waits for no writer.
func (s *Store) Since(ctx context.Context, rollout string, after int64) (list []rollout.Command, err error) {
	err = rideOutBusy(ctx, func() error {
		list, err = commands(ctx, s.reads, rollout, after)
		return err
	})
	return list, err
}

func commands(ctx context.Context, q querier, id string, after int64) (list []rollout.Command, err error) {
	// A rollout without such a command is one row of NULLs, and no rollout is none.
	rows, err := q.QueryContext(ctx, `SELECT c.seq, c.body FROM rollout r LEFT JOIN command c ON c.rollout = r.id AND c.seq > ?
		WHERE r.id = ? ORDER BY c.seq`, after, id)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	known := false
	list = []rollout.Command{}
	for rows.Next() {
		known = true
		var seq sql.NullInt64
		var body sql.NullString
		if err := rows.Scan(&seq, &body); err != nil {
			return nil, err
		}
		if !seq.Valid {
			continue
		}
		a := record.Command{Rollout: id, Body: body.String}
		c, err := a.Numbered(seq.Int64)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if !known {
		return nil, rollout.ErrNoRollout
	}
	return list, nil
}
