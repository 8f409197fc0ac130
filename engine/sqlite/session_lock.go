package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/skeindb/skein/engine"
)

// commitSlice is how long one try of COMMIT waits for readers before the context is checked again.
const commitSlice = 50 * time.Millisecond

// locked runs body in a transaction that holds the tenant's lock from its start: BEGIN IMMEDIATE. It waits for the lock
// for at most patience, 0 = until ctx ends; then the error is Busy. An error of body rolls everything back.
func (s *session) locked(ctx context.Context, patience time.Duration, body func() error) error {
	err := s.begin(ctx, patience)
	if err == nil {
		err = body()
	}
	if err == nil {
		err = s.commit(ctx, patience)
	}
	if err != nil {
		s.rollback(ctx)
		return classify(err)
	}
	return nil
}

func (s *session) begin(ctx context.Context, patience time.Duration) error {
	if err := s.conn.patience(ctx, patience); err != nil {
		return err
	}
	err := s.conn.exec(ctx, "BEGIN IMMEDIATE")
	if isBusy(err) {
		return busy(err, fmt.Sprintf("another connection has held the file's write lock for %v", patience))
	}
	if err != nil {
		return err
	}
	return s.conn.here()
}

// commit commits. With a rollback journal it waits for readers, for at most patience. COMMIT does not run under ctx, whose
// end would leave it unknown whether the commit happened; ctx is checked between short tries.
func (s *session) commit(ctx context.Context, patience time.Duration) error {
	if err := s.conn.here(); err != nil {
		return err
	}
	whole := context.WithoutCancel(ctx)
	if err := s.conn.patience(whole, commitSlice); err != nil {
		return err
	}
	for start := time.Now(); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.conn.exec(whole, "COMMIT")
		switch {
		case isIO(err):
			e := *classify(err)
			e.Class = engine.Uncertain
			return &e
		case !isBusy(err):
			return err
		case patience > 0 && time.Since(start) >= patience:
			return busy(err, fmt.Sprintf("readers have kept the file from being committed for %v", patience))
		}
	}
}

// rollback ends the transaction, if there still is one: SQLite ends it by itself after some errors.
func (s *session) rollback(ctx context.Context) {
	_ = s.conn.exec(context.WithoutCancel(ctx), "ROLLBACK")
}

// ResolveInDoubt implements [engine.Session].
func (s *session) ResolveInDoubt(ctx context.Context) (*engine.Applied, engine.SchemaID, error) {
	defer s.rollback(ctx)
	rows, exists, err := []engine.Row(nil), false, s.begin(ctx, 0)
	if err == nil {
		rows, exists, err = s.db.table.read(ctx, s.conn)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = busy(err, "another connection held the file's write lock until the time was up")
	}
	if err != nil {
		return nil, engine.SchemaID{}, classify(err)
	}
	return &engine.Applied{Rows: rows}, engine.SchemaID{HasTable: exists}, nil
}

func busy(err error, message string) error {
	e := *classify(err)
	e.Class, e.Message = engine.Busy, message
	e.Advice = "find who has the file open, for example with fuser or lsof"
	return &e
}
