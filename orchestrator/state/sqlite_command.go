package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/skeindb/skein/orchestrator"
)

// Command implements orchestrator.Store.
func (s *SQLite) Command(ctx context.Context, c orchestrator.Command) (orchestrator.Command, error) {
	c.At = c.At.UTC().Truncate(time.Microsecond)
	err := s.write(ctx, func(tx *sql.Tx) error {
		var last sql.NullInt64
		err := tx.QueryRowContext(ctx, `SELECT (SELECT max(seq) FROM command WHERE rollout = id) FROM rollout WHERE id = ?`, c.Rollout).Scan(&last)
		if errors.Is(err, sql.ErrNoRows) {
			return orchestrator.ErrNoRollout
		}
		if err != nil {
			return err
		}
		c.Seq = last.Int64 + 1
		body, err := json.Marshal(c)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO command (rollout, seq, at, body) VALUES (?, ?, ?, ?)`, c.Rollout, c.Seq, c.At.UnixMicro(), string(body))
		return err
	})
	return c, err
}

// Commands implements orchestrator.Store.
func (s *SQLite) Commands(ctx context.Context, rollout string, after int64) (list []orchestrator.Command, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT body FROM rollout LEFT JOIN command ON rollout = id AND seq > ? WHERE id = ? ORDER BY seq`, after, rollout)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	list = []orchestrator.Command{}
	known := false
	for rows.Next() {
		known = true
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		if body == nil { // there is none
			continue
		}
		var c orchestrator.Command
		if err := json.Unmarshal(body, &c); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if !known {
		return nil, errors.Join(orchestrator.ErrNoRollout, rows.Err())
	}
	return list, rows.Err()
}
