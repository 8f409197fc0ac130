package run

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// job is what a worker does next.
type job struct {
	task int32
	item *plan.Item
	job  engine.Job
	ctx  context.Context // ends the try
}

// goodbye is the task of a worker's last answer.
const leave = -1

// start gives a tenant to a worker.
func (r *runner) start(t int32) {
	item := &r.wave.items[t]
	attempt := r.wave.begin(t, time.Now())
	r.tick(rollout.TenantStarted{Tenant: item.Tenant.ID, Attempt: attempt, From: r.wave.cohort(t).From})
	next := job{task: t, item: item, ctx: r.wave.server(t).watch.ctx, job: engine.Job{
		Location: item.Tenant.Location, Standing: item.Standing, Plan: r.wave.cohort(t).EnginePlan(),
		Attempt: attempt, Rollout: r.Plan.Rollout,
	}}
	// A worker that has answered is at the channel, or will be in no time; until there are as many as
	// run at once, each new job gets a new one.
	if r.workers < r.wave.running {
		r.workers++
		go r.work()
	}
	r.jobs <- next
}

// work does one job after the other until there are no more. It touches nothing of the runner but its
// channels and what never changes.
func (r *runner) work() {
	defer func() { r.answers <- answer{task: leave} }()
	for j := range r.jobs {
		r.answers <- r.try(j.ctx, j)
	}
}

// try does one job. A panic, of a revision written in Go for instance, fails the tenant and not the fleet:
// the engine's own defers have closed its session.
func (r *runner) try(ctx context.Context, j job) (a answer) {
	a.task = j.task
	begun := time.Now()
	defer func() {
		if a.result.Duration == 0 {
			a.result.Duration = time.Since(begun)
		}
		if v := recover(); v != nil {
			p := &panicError{value: v, stack: debug.Stack()}
			a.err = &engine.Error{
				Class: engine.Internal, Message: p.Error(), Quoted: fmt.Sprint(v),
				Advice: "this is a mistake in a revision written in Go, or in skein; the stack is among the warnings", Err: p,
			}
		}
	}()
	if r.Data != nil {
		j.job.Data = r.Data(j.item.Tenant)
	}
	a.result, a.err = r.Engine.Apply(ctx, j.job)
	if e, ok := errors.AsType[*engine.Error](a.err); ok && e.Class == engine.Gone && r.Surveyor != nil {
		now := r.Surveyor.Survey(ctx, []engine.Location{j.job.Location})[0]
		a.now = &now
	}
	return a
}
