package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/internal/record"
)

// Memory is a store that ends with the process. It is for tests and demos, and for runs that change
// nothing worth remembering.
type Memory struct {
	mu       sync.Mutex
	rollouts map[string]*remembered
	locks    map[string]rollout.Holder
}

type remembered struct {
	fleet  string
	plan   []byte
	events []rollout.Event
	report rollout.Report // fold of events
	line   rollout.Summary

	commands []record.Command // in the order of their numbers, from 1
}

var _ rollout.FullStore = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{rollouts: map[string]*remembered{}, locks: map[string]rollout.Holder{}}
}

// Create implements [rollout.Store].
func (m *Memory) Create(ctx context.Context, plan *plan.Plan) error {
	packed, err := record.PackPlan(plan)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.rollouts[plan.Rollout] != nil {
		return fmt.Errorf("rollout %s exists already", plan.Rollout)
	}
	line := record.Opening(plan)
	line.Number = 1
	for _, r := range m.rollouts {
		if r.fleet == plan.Fleet {
			line.Number = max(line.Number, r.line.Number+1)
		}
	}
	m.rollouts[plan.Rollout] = &remembered{fleet: plan.Fleet, plan: packed, line: line}
	return nil
}

// Append implements [rollout.Store].
func (m *Memory) Append(ctx context.Context, events []rollout.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := record.Check(events); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	r := m.rollouts[events[0].Rollout]
	if r == nil {
		return rollout.ErrNoRollout
	}
	there, rest, err := record.Fresh(events, int64(len(r.events)))
	if err != nil {
		return err
	}
	if len(there) > 0 {
		from := there[0].Seq - 1
		stored, err := record.Rows(r.events[from : from+int64(len(there))])
		if err != nil {
			return err
		}
		if err := record.Same(events[0].Rollout, stored, there); err != nil {
			return err
		}
	}
	for _, e := range rest {
		r.events = append(r.events, e)
		r.report.Apply(e)
	}
	return nil
}

// Load implements [rollout.Store].
func (m *Memory) Load(_ context.Context, id string) (*plan.Plan, []rollout.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rollouts[id]
	if r == nil {
		return nil, nil, rollout.ErrNoRollout
	}
	plan, err := record.UnpackPlan(r.plan)
	return plan, append([]rollout.Event{}, r.events...), err
}

// Events implements [rollout.Store].
func (m *Memory) Events(_ context.Context, id string, after int64) ([]rollout.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rollouts[id]
	if r == nil {
		return nil, rollout.ErrNoRollout
	}
	first := min(max(after, 0), int64(len(r.events))) // they are numbered from 1
	return append([]rollout.Event{}, r.events[first:]...), nil
}

// List implements [rollout.Store].
func (m *Memory) List(_ context.Context, fleet string, limit int) ([]rollout.Summary, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := []rollout.Summary{}
	for _, r := range m.rollouts {
		switch {
		case r.fleet != fleet:
		case len(r.events) == 0:
			list = append(list, r.line)
		default:
			line := r.report.Summary()
			line.Started, line.FleetSize, line.Number = r.line.Started, r.line.FleetSize, r.line.Number
			list = append(list, line)
		}
	}
	slices.SortFunc(list, func(a, b rollout.Summary) int {
		return cmp.Compare(b.Number, a.Number)
	})
	if limit > 0 && len(list) > limit {
		list = list[:limit]
	}
	return list, nil
}

// Send implements [rollout.Commands].
func (m *Memory) Send(ctx context.Context, c rollout.Command) (rollout.Command, error) {
	a, err := record.NewCommand(c)
	if err != nil {
		return c, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return c, err
	}
	r := m.rollouts[c.Rollout]
	if r == nil {
		return c, rollout.ErrNoRollout
	}
	i := slices.Index(r.commands, a) // of a call that is repeated
	if i < 0 {
		i = len(r.commands)
		r.commands = append(r.commands, a)
	}
	return a.Numbered(int64(i) + 1)
}

// Since implements [rollout.Commands].
func (m *Memory) Since(ctx context.Context, id string, after int64) ([]rollout.Command, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := m.rollouts[id]
	if r == nil {
		return nil, rollout.ErrNoRollout
	}
	list := []rollout.Command{}
	for seq := max(0, after) + 1; seq <= int64(len(r.commands)); seq++ {
		c, err := r.commands[seq-1].Numbered(seq)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// Lock implements [rollout.Locks]. The lock holds within the process.
func (m *Memory) Lock(_ context.Context, fleet string, holder rollout.Holder) (rollout.Lease, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if held, ok := m.locks[fleet]; ok {
		return nil, &rollout.LockedError{Fleet: fleet, Holder: held}
	}
	m.locks[fleet] = holder
	return &memoryLease{m: m, fleet: fleet}, nil
}

// Holder implements [rollout.Locks].
func (m *Memory) Holder(_ context.Context, fleet string) (rollout.Holder, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	holder, locked := m.locks[fleet]
	return holder, locked, nil
}

// Close implements [rollout.FullStore].
func (m *Memory) Close() error { return nil }

type memoryLease struct {
	m     *Memory
	fleet string
	once  sync.Once
}

func (l *memoryLease) Lost() <-chan struct{} { return nil }

func (l *memoryLease) Err() error { return nil }

func (l *memoryLease) Release(context.Context) error {
	l.once.Do(func() {
		l.m.mu.Lock()
		defer l.m.mu.Unlock()
		delete(l.m.locks, l.fleet)
	})
	return nil
}
