package run_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// lostReplyEngine loses the reply to one tenant's commit; committed says whether it took place. Then the server stays away until
// it is back.
type lostReplyEngine struct {
	*fakeFleet
	id        string
	committed bool
	lost      bool
	back      atomic.Bool
}

func (l *lostReplyEngine) Apply(ctx context.Context, job engine.Job) (engine.Result, error) {
	if job.Location.Schema != l.id || l.back.Load() {
		return l.fakeFleet.Apply(ctx, job)
	}
	gone := &engine.Error{Class: engine.Connection, Message: "connection refused"}
	if l.lost {
		return engine.Result{}, gone
	}
	if l.lost = true; l.committed {
		if _, err := l.fakeFleet.Apply(ctx, job); err != nil {
			return engine.Result{}, err
		}
	}
	return engine.Result{InDoubt: true, Resolved: true}, gone
}

func (l *lostReplyEngine) Probe(context.Context, string, string) error {
	return &engine.Error{Class: engine.Connection, Message: "connection refused"}
}

func TestLostReplyOfACommitIsUncertainUntilAResume(t *testing.T) {
	t.Parallel()
	for name, committed := range map[string]bool{"committed": true, "not committed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFakeFleet(t, 1, nil)
				s.policy.Waves = nil
				s.policy.ServerPatience, s.policy.OnFailure = time.Minute, plan.OnFailureContinue
				s.plan(t, request())
				id := s.db.tenants[0].ID
				l := &lostReplyEngine{fakeFleet: s, id: id, committed: committed}
				s.cfg.Engine, s.cfg.Prober = l, l
				r := s.run(t)
				if r.Outcome(id) != plan.OutcomeUncertain || exitCode(r) != 2 || r.Count(plan.OutcomeFailed) != 0 || r.Next() != nextR1(rollout.ActionResume) {
					t.Errorf("%s, exit %d, next %+v, %v", r.Outcome(id), exitCode(r), r.Next(), r.Counts())
				}
				for tr := range r.Tenants() {
					if len(tr.To) > 0 || tr.Failure == nil || !strings.Contains(tr.Failure.Message, "not known whether the last change was committed") {
						t.Errorf("%+v, %+v", tr, tr.Failure)
					}
				}
				if c := r.Causes(); len(c) != 1 || c[0].Count != 1 {
					t.Errorf("causes %+v", c)
				}
				l.back.Store(true)
				if r := s.resume(t); r.Outcome(id) != plan.OutcomeDone || exitCode(r) != 0 || s.appliedTo(id) != "[a b c]" {
					t.Errorf("resumed: %s, exit %d, at %s", r.Outcome(id), exitCode(r), s.appliedTo(id))
				}
			})
		})
	}
}

// A try that reaches the tenant again settles what the lost one left open.
func TestLostReplyThatIsResolvedInTheRunIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 1, nil)
		id := s.db.tenants[0].ID
		l := &lostReplyEngine{fakeFleet: s, id: id}
		s.cfg.Policy.OnFailure = plan.OnFailureContinue
		s.cfg.Engine = l
		s.failures[id] = engineError(engine.Data, "no")
		s.reactions = append(s.reactions, func(f rollout.Fact) {
			if _, ok := f.(rollout.TenantReturned); ok {
				l.back.Store(true)
			}
		})
		if r := s.run(t); r.Outcome(id) != plan.OutcomeFailed || r.Failed()[0].Failure.Message != "no" {
			t.Errorf("%s", r.Outcome(id))
		}
	})
}
