package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func insertRows(ctx context.Context, tx *sql.Tx, rollout string, rows []row) error {
	var b strings.Builder
	b.WriteString(`INSERT INTO fact (rollout, seq, at, kind, body) VALUES `)
	args := make([]any, 0, 5*len(rows))
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`(?,?,?,?,?)`)
		r := &rows[i]
		args = append(args, rollout, r.seq, r.at, r.kind, string(r.body))
	}
	_, err := tx.ExecContext(ctx, b.String(), args...)
	return err
}

func facts(ctx context.Context, q querier, rollout string, from, to int64) (list []row, err error) {
	rows, err := q.QueryContext(ctx, `SELECT seq, at, kind, body FROM fact WHERE rollout = ? AND seq BETWEEN ? AND ? ORDER BY seq`,
		rollout, from, to)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.seq, &r.at, &r.kind, &r.body); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// Load implements orchestrator.Store.
func (s *SQLite) Load(ctx context.Context, rollout string) (plan *plan.Plan, events []rollout.Event, err error) {
	err = rideOutBusy(ctx, func() error {
		plan, events, err = load(ctx, s.reads, rollout)
		return err
	})
	return plan, events, err
}

func load(ctx context.Context, db *sql.DB, id string) (*plan.Plan, []rollout.Event, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // plan and facts of one moment
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = tx.Rollback() }()
	var packed []byte
	var last int64
	err = tx.QueryRowContext(ctx, `SELECT body, seq FROM rollout JOIN plan ON rollout = id WHERE id = ?`, id).Scan(&packed, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, rollout.ErrNoRollout
	}
	if err != nil {
		return nil, nil, err
	}
	stored, err := facts(ctx, tx, id, 1, last)
	if err != nil {
		return nil, nil, err
	}
	return loaded(id, packed, stored)
}

// loaded puts together what Load returns.
func loaded(id string, packed []byte, stored []row) (*plan.Plan, []rollout.Event, error) {
	plan, err := unpack(packed)
	if err != nil {
		return nil, nil, err
	}
	events := make([]rollout.Event, len(stored))
	for i := range stored {
		if events[i], err = stored[i].decode(id); err != nil {
			return nil, nil, err
		}
	}
	return plan, events, nil
}

// List implements orchestrator.Store.
func (s *SQLite) List(ctx context.Context, fleet string, limit int) (list []rollout.Summary, err error) {
	err = rideOutBusy(ctx, func() error {
		list, err = summaries(ctx, s.reads, fleet, limit)
		return err
	})
	return list, err
}

func summaries(ctx context.Context, q querier, fleet string, limit int) (list []rollout.Summary, err error) {
	if limit <= 0 {
		limit = -1
	}
	rows, err := q.QueryContext(ctx, `SELECT id, kind, state, target, created, finished, counts, tenants, number FROM rollout
		WHERE fleet = ? ORDER BY number DESC LIMIT ?`, fleet, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	list = []rollout.Summary{}
	for rows.Next() {
		var (
			line     rollout.Summary
			created  int64
			finished sql.NullInt64
			counts   []byte
		)
		if err := rows.Scan(&line.ID, &line.Kind, &line.State, &line.Target, &created, &finished, &counts, &line.FleetSize, &line.Number); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(counts, &line.Counts); err != nil {
			return nil, err
		}
		line.Started = micros(created)
		if finished.Valid {
			line.Finished = micros(finished.Int64)
		}
		list = append(list, line)
	}
	return list, rows.Err()
}

// Close implements orchestrator.Store.
func (s *SQLite) Close() error {
	var err error
	if s.reads != nil {
		err = s.reads.Close()
	}
	return errors.Join(err, s.db.Close()) // the last one tidies the file up
}
