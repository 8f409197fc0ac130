package run

import (
	"context"
	"fmt"
	"time"

	"github.com/skeindb/skein/orchestrator/rollout"
)

const (
	pollEvery = time.Second // how often a run looks for commands
	pollQuiet = time.Minute // how long it says nothing when it cannot look
)

// commandBatch is what the poller has for the loop.
type commandBatch struct {
	commands []rollout.Command // in their order
	err      error             // commands could not be read for longer than pollQuiet
}

// commandPoller polls the store for what operators ask of the running rollout, in one goroutine.
type commandPoller struct {
	batches chan commandBatch // taken by the loop

	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has returned
}

// newCommandPoller begins to poll for commands above a number.
func newCommandPoller(ctx context.Context, store rollout.Commands, rollout string, after int64) *commandPoller {
	ctx, cancel := context.WithCancel(ctx)
	i := &commandPoller{batches: make(chan commandBatch), cancel: cancel, done: make(chan struct{})}
	go i.poll(ctx, store, rollout, after)
	return i
}

// close ends the polling. A command that was not handed over stays in the store.
func (i *commandPoller) close() {
	i.cancel()
	<-i.done
}

func (i *commandPoller) poll(ctx context.Context, store rollout.Commands, id string, after int64) {
	defer close(i.done)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	good, warned := time.Now(), false
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		commands, err := rollout.CommandsAfter(ctx, store, id, after)
		var m commandBatch
		switch {
		case err == nil:
			good, warned = time.Now(), false
			m.commands = commands
		case !warned && time.Since(good) > pollQuiet:
			warned = true
			m.err = err
		}
		if len(m.commands) == 0 && m.err == nil {
			continue
		}
		select {
		case i.batches <- m:
		case <-ctx.Done():
			return
		}
		for _, c := range m.commands {
			after = max(after, c.Seq)
		}
	}
}

// read handles what the poller had.
func (r *runner) read(m commandBatch) {
	if m.err != nil {
		r.emit(rollout.Warned{Message: fmt.Sprintf("commands such as pause and abort cannot be read at the moment: %v", m.err)})
	}
	for _, c := range m.commands {
		r.handleCommand(c)
	}
}
