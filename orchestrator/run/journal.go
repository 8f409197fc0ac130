package run

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skeindb/skein/orchestrator/rollout"
)

const (
	commitEvery = 50 * time.Millisecond // how long an outcome waits for others to share its commit
	commitFacts = 256                   // how many facts do not wait for more
	commitBound = 30 * time.Second      // how long one commit may take
	retryStore  = time.Second           // how often a store that failed is tried again
)

// journal writes the rollout's facts to the store, in groups and in order, with one goroutine, and hands
// them to the audience once they are durable. The loop adds and never waits.
type journal struct {
	ctx      context.Context // for the store; outlives the run's
	store    rollout.Store
	audience *audience // nil when there are no observers

	mu      sync.Mutex
	queue   []rollout.Event
	stored  int // facts in queue, ticks apart
	urgent  bool
	closing bool

	wake    chan struct{} // capacity 1: something was added
	changed chan struct{} // capacity 1: durable or err changed
	done    chan struct{} // closed when run has returned

	durable atomic.Int64 // Seq of the last durable fact
	err     atomic.Pointer[error]
}

func newJournal(ctx context.Context, store rollout.Store, audience *audience) *journal {
	j := &journal{
		ctx: context.WithoutCancel(ctx), store: store, audience: audience,
		wake: make(chan struct{}, 1), changed: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go j.run()
	return j
}

// add queues an event. Urgent ones are committed at once, with all that stand before them.
func (j *journal) add(e rollout.Event, urgent bool) {
	j.mu.Lock()
	j.queue = append(j.queue, e)
	if !e.Tick() {
		j.stored++
	}
	j.urgent = j.urgent || urgent
	wake := len(j.queue) == 1 || j.urgent || j.stored >= commitFacts
	j.mu.Unlock()
	if wake {
		notify(j.wake)
	}
}

// close commits the rest and ends the goroutine. The error is that of the store, if the facts could not
// all be made durable in the end.
func (j *journal) close() error {
	j.mu.Lock()
	j.closing, j.urgent = true, true
	j.mu.Unlock()
	notify(j.wake)
	<-j.done
	return j.failure()
}

func (j *journal) failure() error {
	if p := j.err.Load(); p != nil {
		return *p
	}
	return nil
}

func (j *journal) run() {
	defer close(j.done)
	var backlog []rollout.Event // not durable, but already shown
	for {
		batch, closing := j.take(len(backlog) > 0)
		backlog = j.commit(backlog, batch)
		j.audience.show(batch)
		if closing {
			return
		}
	}
}

// take waits until it is time to commit and returns what there is.
func (j *journal) take(behind bool) (batch []rollout.Event, closing bool) {
	var pause <-chan time.Time
	for {
		j.mu.Lock()
		n, stored := len(j.queue), j.stored
		if j.closing || j.urgent && !behind || stored >= commitFacts && !behind || n > 0 && stored == 0 && !behind {
			batch, closing = j.queue, j.closing
			j.queue, j.stored, j.urgent = nil, 0, false
			j.mu.Unlock()
			return batch, closing
		}
		j.mu.Unlock()
		if pause == nil && (stored > 0 || behind) {
			wait := commitEvery
			if behind {
				wait = retryStore
			}
			pause = time.After(wait)
		}
		select {
		case <-j.wake:
		case <-pause:
			pause = nil
			j.mu.Lock()
			j.urgent, behind = true, false
			j.mu.Unlock()
		}
	}
}

// commit stores backlog and batch, and returns what could not be stored.
func (j *journal) commit(backlog, batch []rollout.Event) []rollout.Event {
	for _, e := range batch {
		if !e.Tick() {
			backlog = append(backlog, e)
		}
	}
	if len(backlog) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(j.ctx, commitBound)
	defer cancel()
	if err := j.store.Append(ctx, backlog); err != nil {
		err = fmt.Errorf("the store cannot be written: %w", err)
		j.err.Store(&err)
		notify(j.changed)
		return backlog
	}
	j.err.Store(nil)
	j.durable.Store(backlog[len(backlog)-1].Seq)
	notify(j.changed)
	return nil
}

func notify(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// audience shows events to observers, in order and from one goroutine. It takes each event at
// once, so that a slow observer delays only itself.
type audience struct {
	observers []rollout.Observer

	mu      sync.Mutex
	queue   []rollout.Event
	closing bool

	wake chan struct{} // capacity 1
	done chan struct{} // closed when all has been shown
}

// newAudience returns nil when there are no observers; a nil audience takes and shows nothing.
func newAudience(observers []rollout.Observer) *audience {
	if len(observers) == 0 {
		return nil
	}
	a := &audience{observers: observers, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go a.run()
	return a
}

func (a *audience) show(events []rollout.Event) {
	if a == nil || len(events) == 0 {
		return
	}
	a.mu.Lock()
	a.queue = append(a.queue, events...)
	a.mu.Unlock()
	notify(a.wake)
}

func (a *audience) run() {
	defer close(a.done)
	for {
		a.mu.Lock()
		events, closing := a.queue, a.closing
		a.queue = nil
		a.mu.Unlock()
		for _, e := range events {
			for _, o := range a.observers {
				o.Observe(e)
			}
		}
		if len(events) > 0 {
			continue
		}
		if closing {
			return
		}
		<-a.wake
	}
}

// patience is how long an observer may still take once the run has been cancelled.
const patience = 2 * time.Second

// close waits until all was shown; after a cancellation only for a moment, because the user wants
// to leave, and an observer that never returns must not keep the process.
func (a *audience) close(ctx context.Context) {
	if a == nil {
		return
	}
	a.mu.Lock()
	a.closing = true
	a.mu.Unlock()
	notify(a.wake)
	select {
	case <-a.done:
		return
	case <-ctx.Done():
	}
	select {
	case <-a.done:
	case <-time.After(patience):
	}
}
