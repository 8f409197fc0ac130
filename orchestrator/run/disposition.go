package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// disposition is what a worker's answer means for its tenant and the server.
type disposition uint8

const (
	arrived  disposition = iota // it stands where planned
	onceMore                    // same tenant once more, after a wait
	later                       // at the end of the wave
	full                        // the server has no room: fewer at once, the tenant goes back
	lost                        // the server went away: it is probed, the tenant goes back
	stopped                     // the server needs an operator, the tenant goes back
	canceled                    // the run was cancelled, the tenant goes back
	vanished                    // it is no longer there
	failed
)

// dispose says what is to be done after a try. It is the one place that knows what each class means for a
// fleet; the dialects know which error is of which class.
func (k *task) dispose(ctx context.Context, err error, f plan.Failure, retry plan.Retry) disposition {
	if err == nil {
		return arrived
	}
	if ctx.Err() != nil {
		switch f.Class {
		case engine.Data, engine.Revision, engine.Guard, engine.Checksum:
			return failed // cancelled or not, it would have failed
		case engine.Gone:
			return vanished
		}
		return canceled
	}
	tries := int(k.attempt) < retry.Attempts
	switch f.Class {
	case engine.Transient:
		if tries {
			return onceMore
		}
	case engine.Busy:
		if tries {
			return later
		}
	case engine.Timeout:
		if k.timeouts++; tries && k.timeouts == 1 {
			return later
		}
	case engine.Capacity:
		return full
	case engine.Connection, engine.Uncertain:
		return lost
	case engine.Server:
		return stopped
	case engine.Gone:
		return vanished
	}
	return failed
}

// answer is the result of a worker.
type answer struct {
	task   int32
	result engine.Result
	err    error
	now    *engine.Standing // where a tenant stands that is said to be gone; nil = not surveyed
}

// panicError is a panic of a revision written in Go, or of skein.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// failure puts an error of an [Applier] into the form that is stored.
func (a *answer) failure(of *tenant.Tenant) plan.Failure {
	if a.err == nil {
		return plan.Failure{}
	}
	f := plan.FailureOf(a.err, of)
	_, known := errors.AsType[*engine.Error](a.err)
	if !known && (errors.Is(a.err, context.Canceled) || errors.Is(a.err, context.DeadlineExceeded)) {
		f.Class = engine.Canceled
	}
	return f
}
