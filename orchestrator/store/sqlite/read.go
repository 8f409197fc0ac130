package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"strings"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/internal/record"
)

// querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func insertRows(ctx context.Context, tx *sql.Tx, rollout string, rows []record.Row) error {
	var b strings.Builder
	b.WriteString(`INSERT INTO fact (rollout, seq, at, kind, body) VALUES `)
	args := make([]any, 0, 5*len(rows))
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`(?,?,?,?,?)`)
		r := &rows[i]
		args = append(args, rollout, r.Seq, r.At, r.Kind, string(r.Body))
	}
	_, err := tx.ExecContext(ctx, b.String(), args...)
	return err
}

func facts(ctx context.Context, q querier, rollout string, from, to int64) (list []record.Row, err error) {
	rows, err := q.QueryContext(ctx, `SELECT seq, at, kind, body FROM fact WHERE rollout = ? AND seq BETWEEN ? AND ? ORDER BY seq`,
		rollout, from, to)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r record.Row
		if err := rows.Scan(&r.Seq, &r.At, &r.Kind, &r.Body); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// Load implements [rollout.Store].
func (s *Store) Load(ctx context.Context, rollout string) (plan *plan.Plan, events []rollout.Event, err error) {
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
	return record.Loaded(id, packed, stored)
}

// Events implements [rollout.Store].
func (s *Store) Events(ctx context.Context, rollout string, after int64) (events []rollout.Event, err error) {
	err = rideOutBusy(ctx, func() error {
		events, err = eventsAfter(ctx, s.reads, rollout, after)
		return err
	})
	return events, err
}

func eventsAfter(ctx context.Context, q *sql.DB, id string, after int64) ([]rollout.Event, error) {
	var known int
	if err := q.QueryRowContext(ctx, `SELECT count(*) FROM rollout WHERE id = ?`, id).Scan(&known); err != nil {
		return nil, err
	}
	if known == 0 {
		return nil, rollout.ErrNoRollout
	}
	stored, err := facts(ctx, q, id, after+1, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	return record.Events(id, stored)
}

// List implements [rollout.Store].
func (s *Store) List(ctx context.Context, fleet string, limit int) (list []rollout.Summary, err error) {
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
		line.Started = record.Micros(created)
		if finished.Valid {
			line.Finished = record.Micros(finished.Int64)
		}
		list = append(list, line)
	}
	return list, rows.Err()
}

// Close implements [rollout.FullStore].
func (s *Store) Close() error {
	var err error
	if s.reads != nil {
		err = s.reads.Close()
	}
	return errors.Join(err, s.db.Close()) // the last one tidies the file up
}
