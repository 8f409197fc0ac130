package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// Request is what an operator asks of a rollout, and the line that it leaves in the audit log.
type Request struct {
	Action  rollout.Action
	Wave    string   // of an approval: only if it is the gate of this wave that waits; "" = whichever waits
	Tenants []string // ids, of a skip or a retry
	By
}

// By says who asks, and why, for the audit log.
type By struct {
	User   string // "" = the user of Config.Holder
	Host   string // "" = the host of Config.Holder
	Reason string // in the operator's words; may be ""
}

// Answer says what came of a request.
type Answer struct {
	Rollout string
	Command rollout.Command // as the store has it

	// Acknowledged: the command was handled. It is false for an approval of a rollout that no process runs, which the next
	// run handles, and where the process that runs it has not answered within ten seconds.
	Acknowledged bool
	Running      bool // a process runs the rollout, and was asked; false: it was handled here, or will be by the next run

	Report *rollout.Report // after it
}

// Command returns the request as the store keeps it, with who gives it and when.
func (c *Controller) Command(id string, r Request) rollout.Command {
	by := r.By
	if by.User == "" && by.Host == "" {
		by.User, by.Host = c.cfg.Holder.User, c.cfg.Holder.Host
	}
	return rollout.Command{
		Rollout: id, Action: r.Action, Wave: r.Wave, Tenants: r.Tenants, Reason: by.Reason, User: by.User, Host: by.Host,
		At: rollout.Now(),
	}
}

// Send asks something of a rollout: of the process that runs it, or where there is none, of what is stored. It does not wait
// for tenants that are being changed. The error is an *[Error] when the rollout cannot do it, and a *[rollout.LockedError]
// when the fleet is locked by another one.
func (c *Controller) Send(ctx context.Context, id string, req Request) (*Answer, error) {
	r, err := c.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := req.check(r); err != nil {
		return nil, err
	}
	running, err := c.running(ctx, id)
	if err != nil {
		return nil, err
	}
	if running {
		return c.ask(ctx, r, req)
	}
	lease, err := c.lock(ctx, "")
	if locked, ok := errors.AsType[*rollout.LockedError](err); ok && holds(locked.Holder, id) { // it was resumed just now
		return c.ask(ctx, r, req)
	}
	if err != nil {
		return nil, err
	}
	answer, err := c.sendLocked(ctx, id, req)
	return answer, both(err, release(ctx, lease))
}

// check refuses what makes no sense whoever is asked, before it is stored. It fills in the wave of an approval.
func (q *Request) check(r *Record) error {
	id, state := r.Report.Rollout, r.Report.State
	switch {
	case state == rollout.StateAborted:
		return &Error{NotPossible, id, fmt.Sprintf("rollout %s was aborted%s", id, text.Because(r.Report.Reason)), "`Upgrade` starts a new one; tenants that are done are not touched"}
	case r.Report.TakenBack && (q.Action == rollout.ActionApprove || q.Action == rollout.ActionSkip):
		return &Error{NotPossible, id, fmt.Sprintf("rollout %s was taken back and cannot continue", id), "`Upgrade` starts a new one"}
	case state == rollout.StateFinished && r.Report.Count(plan.OutcomeFailed)+r.Report.Count(plan.OutcomeUncertain) == 0:
		return &Error{NotPossible, id, fmt.Sprintf("rollout %s is finished", id), "`Rollback(" + id + ")` takes back what it did"}
	}
	switch q.Action {
	case rollout.ActionApprove:
		wave := r.Waiting()
		switch {
		case wave == "":
			return &Error{NotPossible, id, fmt.Sprintf("rollout %s does not wait for an approval: it is %s", id, state), "`Show(" + id + ")` shows its state"}
		case q.Wave != "" && q.Wave != wave:
			return &Error{NotPossible, id, fmt.Sprintf("rollout %s waits for an approval of wave %s, not of %s", id, wave, q.Wave), ""}
		}
		q.Wave = wave
	case rollout.ActionSkip:
		return q.known(r)
	}
	return nil
}

// known refuses tenants that are not part of the rollout.
func (q *Request) known(r *Record) error {
	places := r.Plan.Positions()
	for _, id := range q.Tenants {
		if _, part := places[id]; !part {
			return &Error{UnknownNames, r.Report.Rollout, fmt.Sprintf("tenant %s is not part of rollout %s", id, r.Report.Rollout), "`Tenants` lists the ids"}
		}
	}
	return nil
}

// sendLocked carries a request out on a rollout that no process runs. The caller has the fleet's lock.
func (c *Controller) sendLocked(ctx context.Context, id string, req Request) (*Answer, error) {
	r, err := c.loadLocked(ctx, id) // a run that ended a moment ago may have got further
	if err != nil {
		return nil, err
	}
	if err := req.check(r); err != nil {
		return nil, err
	}
	switch req.Action {
	case rollout.ActionPause:
		return nil, &Error{NotRunning, id, fmt.Sprintf("no process runs rollout %s: it is %s", id, r.Report.State), "`Resume(" + id + ")` continues it, `Abort(" + id + ")` ends it for good"}
	case rollout.ActionApprove:
		if a := r.Approval(req.Wave); a != nil {
			return nil, &Error{
				NotPossible, id, fmt.Sprintf("the gate of wave %s was already approved, by %s on %s", req.Wave, a.User, a.Host), "`Resume(" + id + ")` continues",
			}
		}
		sent, err := c.cfg.Store.Send(ctx, c.Command(id, req))
		if err != nil {
			return nil, asNotFound(err, id)
		}
		return &Answer{Rollout: id, Command: sent, Report: r.Report}, nil
	}
	sent, err := c.cfg.Store.Send(ctx, c.Command(id, req))
	if err != nil {
		return nil, asNotFound(err, id)
	}
	return c.applyOne(ctx, sent)
}

// applyOne applies what is pending of a rollout that no process runs, and returns what came of one command.
func (c *Controller) applyOne(ctx context.Context, sent rollout.Command) (*Answer, error) {
	report, err := c.Apply(ctx, sent.Rollout)
	if err != nil {
		return nil, err
	}
	came := acknowledged(report, sent.Seq)
	if came == nil {
		return nil, &Error{
			NotRunning, sent.Rollout, fmt.Sprintf("the process that ran rollout %s ended before it acknowledged this; the rollout is %s", sent.Rollout, report.State),
			"`Resume(" + sent.Rollout + ")` continues it",
		}
	}
	return answerOf(report, came, false)
}

// answerOf is the answer to a command that was handled; a refusal is an error.
func answerOf(report *rollout.Report, came *rollout.Commanded, running bool) (*Answer, error) {
	cmd := came.Command
	if came.Refused != "" {
		return nil, &Error{Refused, cmd.Rollout, fmt.Sprintf("rollout %s refused to %s: %s", cmd.Rollout, cmd.Action, came.Refused), ""}
	}
	return &Answer{Rollout: cmd.Rollout, Command: cmd, Acknowledged: true, Running: running, Report: report}, nil
}

// Apply handles what is pending of a rollout that no process runs, and returns its report. The caller has the fleet's lock.
func (c *Controller) Apply(ctx context.Context, id string) (*rollout.Report, error) {
	p, before, err := c.cfg.Store.Load(ctx, id)
	if err != nil {
		return nil, asNotFound(err, id)
	}
	var fresh eventList
	report, err := ApplyPending(ctx, c.cfg.Store, id, &fresh)
	if err != nil || len(fresh) == 0 || c.cfg.Observe == nil {
		return report, err
	}
	if _, opens := fresh[0].Fact.(rollout.Started); opens { // no run: it died before its first fact
		before, fresh = append(before, fresh[0]), fresh[1:]
	}
	for _, o := range c.cfg.Observe(p, before) {
		for _, e := range fresh {
			o.Observe(e)
		}
	}
	return report, nil
}

// eventList is an observer that keeps what it is shown.
type eventList []rollout.Event

func (l *eventList) Observe(e rollout.Event) { *l = append(*l, e) }

// The patience with a process that was asked something. It polls once a second, and its store may be slow.
const (
	askPatience = 10 * time.Second
	askFirst    = 100 * time.Millisecond // before the first look; doubles to a second
)

// ask stores the request and waits until the process that runs the rollout has acknowledged it. Should that end meanwhile,
// the request is carried out here.
func (c *Controller) ask(ctx context.Context, r *Record, req Request) (*Answer, error) {
	id, report := r.Plan.Rollout, ReportOf(r.Plan, r.Events)
	sent, err := c.cfg.Store.Send(ctx, c.Command(id, req))
	if err != nil {
		return nil, asNotFound(err, id)
	}
	deadline := time.Now().Add(askPatience)
	for wait := askFirst; ; wait = min(2*wait, time.Second) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
		events, err := c.cfg.Store.Events(ctx, id, report.Seq)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			report.Apply(e)
		}
		if came := acknowledged(report, sent.Seq); came != nil {
			return answerOf(report, came, true)
		}
		if wait < time.Second {
			continue
		}
		answer, err := c.applyInstead(ctx, sent)
		if answer != nil || err != nil {
			return answer, err
		}
		if time.Now().After(deadline) {
			return &Answer{Rollout: id, Command: sent, Running: true, Report: report}, nil
		}
	}
}

// applyInstead applies a command of which the process that was asked has ended; nil while a process holds the fleet.
func (c *Controller) applyInstead(ctx context.Context, sent rollout.Command) (*Answer, error) {
	if _, locked, err := c.cfg.Store.Holder(ctx, c.cfg.Fleet); locked || err != nil {
		return nil, err
	}
	lease, err := c.lock(ctx, "")
	if _, locked := errors.AsType[*rollout.LockedError](err); locked {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	answer, err := c.applyOne(ctx, sent)
	return answer, both(err, release(ctx, lease))
}
