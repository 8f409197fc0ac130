package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/internal/record"
)

// foldOf returns the fold of all facts of a rollout.
func foldOf(ctx context.Context, c *pgx.Conn, id string) (*rollout.Report, error) {
	var last int64
	err := c.QueryRow(ctx, `SELECT seq FROM skein.rollout WHERE id = $1`, id).Scan(&last)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, rollout.ErrNoRollout
	}
	if err != nil {
		return nil, err
	}
	stored, err := factsOf(ctx, c, id, 1, last)
	if err != nil {
		return nil, err
	}
	report := &rollout.Report{}
	for i := range stored {
		e, err := stored[i].Event(id)
		if err != nil {
			return nil, err
		}
		report.Apply(e)
	}
	return report, nil
}

func factsOf(ctx context.Context, c *pgx.Conn, rollout string, from, to int64) ([]record.Row, error) {
	rows, err := c.Query(ctx, `SELECT seq, at, kind, body::text FROM skein.fact WHERE rollout = $1 AND seq BETWEEN $2 AND $3 ORDER BY seq`,
		rollout, from, to)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (record.Row, error) {
		var (
			f    record.Row
			at   time.Time
			body string
		)
		err := r.Scan(&f.Seq, &at, &f.Kind, &body)
		f.At, f.Body = at.UnixMicro(), []byte(body)
		return f, err
	})
}

// Load implements [rollout.Store].
func (s *Store) Load(ctx context.Context, id string) (plan *plan.Plan, events []rollout.Event, err error) {
	err = s.do(ctx, func(c *pgx.Conn) error {
		var packed []byte
		var last int64
		err := c.QueryRow(ctx, `SELECT body, seq FROM skein.rollout JOIN skein.plan ON rollout = id WHERE id = $1`, id).Scan(&packed, &last)
		if errors.Is(err, pgx.ErrNoRows) {
			return rollout.ErrNoRollout
		}
		if err != nil {
			return err
		}
		stored, err := factsOf(ctx, c, id, 1, last) // facts are never changed: this is still of that moment
		if err != nil {
			return err
		}
		plan, events, err = record.Loaded(id, packed, stored)
		return err
	})
	return plan, events, err
}

// Events implements [rollout.Store].
func (s *Store) Events(ctx context.Context, id string, after int64) (events []rollout.Event, err error) {
	err = s.do(ctx, func(c *pgx.Conn) error {
		var last int64
		err := c.QueryRow(ctx, `SELECT seq FROM skein.rollout WHERE id = $1`, id).Scan(&last)
		if errors.Is(err, pgx.ErrNoRows) {
			return rollout.ErrNoRollout
		}
		if err != nil {
			return err
		}
		stored, err := factsOf(ctx, c, id, after+1, last)
		if err != nil {
			return err
		}
		events, err = record.Events(id, stored)
		return err
	})
	return events, err
}

// List implements [rollout.Store].
func (s *Store) List(ctx context.Context, fleet string, limit int) (list []rollout.Summary, err error) {
	var most *int
	if limit > 0 {
		most = &limit
	}
	err = s.do(ctx, func(c *pgx.Conn) error {
		rows, err := c.Query(ctx, `SELECT id, kind, state, target, created, finished, counts::text, tenants, number FROM skein.rollout
			WHERE fleet = $1 ORDER BY number DESC LIMIT $2`, fleet, most)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, summary)
		return err
	})
	return list, err
}

func summary(r pgx.CollectableRow) (rollout.Summary, error) {
	var (
		line     rollout.Summary
		finished *time.Time
		counts   string
	)
	if err := r.Scan(&line.ID, &line.Kind, &line.State, &line.Target, &line.Started, &finished, &counts, &line.FleetSize, &line.Number); err != nil {
		return line, err
	}
	line.Started = line.Started.UTC()
	if finished != nil {
		line.Finished = finished.UTC()
	}
	return line, json.Unmarshal([]byte(counts), &line.Counts)
}
