package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// order is what an operator asks of a rollout.
type order struct {
	action  rollout.Action
	wave    string   // of an approval
	tenants []string // of a skip or a retry
	reason  string
}

// command is the order as the store keeps it, with who gives it and when.
func (o order) command(id string) rollout.Command {
	h := holder("")
	return rollout.Command{
		Rollout: id, Action: o.action, Wave: o.wave, Tenants: o.tenants, Reason: o.reason, User: h.User, Host: h.Host,
		At: time.Now().UTC().Truncate(time.Microsecond),
	}
}

// steered is what came of an order, as JSON.
type steered struct {
	Rollout string         `json:"rollout"`
	Action  rollout.Action `json:"action"`
	State   rollout.State  `json:"state"` // of the rollout
	Message string         `json:"message"`
}

// steerable says which rollout an order is for, where none is named.
func steerable(action rollout.Action) wanted {
	switch action {
	case rollout.ActionPause:
		return wanted{states: []rollout.State{rollout.StateRunning, rollout.StateWaiting}, none: "no rollout runs"}
	case rollout.ActionApprove:
		return wanted{
			first:  rollout.StateWaiting,
			states: []rollout.State{rollout.StateWaiting, rollout.StateRunning, rollout.StateInterrupted},
			none:   "no rollout waits for an approval",
		}
	case rollout.ActionAbort:
		return wanted{
			states: []rollout.State{
				rollout.StateRunning, rollout.StateWaiting, rollout.StatePaused,
				rollout.StateHalted, rollout.StateInterrupted,
			},
			latest: true,
			none:   "no rollout is under way or stopped",
		}
	}
	return unfinished
}

// steer asks something of a rollout: of the process that runs it, or where there is none, of what is stored.
func (a *app) steer(ctx context.Context, named string, o order) error {
	return a.withStore(ctx, func(f *fleet, store rollout.Store) error {
		var id string
		var err error
		if named == "" && o.action == rollout.ActionApprove {
			id, err = f.approvable(ctx, store)
		} else {
			id, err = f.rolloutID(ctx, store, named, steerable(o.action))
		}
		if err != nil {
			return err
		}
		r, err := f.load(ctx, store, id)
		if err != nil {
			return err
		}
		if err := o.check(&r); err != nil {
			return err
		}
		lease, err := f.lock(ctx, store, "")
		if held, ok := errors.AsType[*rollout.LockedError](err); ok && (held.Holder.Rollout == id || held.Holder.Rollout == "") {
			return f.ask(ctx, store, &r, o)
		}
		if err != nil {
			return err
		}
		err = f.settle(ctx, store, id, o)
		return errors.Join(err, release(ctx, lease))
	})
}

// check refuses what makes no sense whoever is asked, before it is written down. It fills in the wave of an approval.
func (o *order) check(r *record) error {
	id, state := r.report.Rollout, r.report.State
	switch {
	case state == rollout.StateAborted:
		return &usageError{fmt.Sprintf("rollout %s was aborted%s", id, view.Because(r.report.Reason)), "plan afresh; tenants that are done will be left alone"}
	case r.report.TakenBack && (o.action == rollout.ActionApprove || o.action == rollout.ActionSkip):
		return &usageError{fmt.Sprintf("rollout %s was taken back, and does not go on", id), "`skein upgrade` plans afresh, if it is meant"}
	case state == rollout.StateFinished && r.report.Count(plan.OutcomeFailed)+r.report.Count(plan.OutcomeUncertain) == 0:
		return &usageError{fmt.Sprintf("rollout %s is finished", id), "`skein rollout rollback " + id + "` takes back what it did"}
	}
	switch o.action {
	case rollout.ActionApprove:
		wave := waiting(r.report)
		switch {
		case wave == "":
			return &usageError{fmt.Sprintf("rollout %s does not wait for an approval: it is %s", id, state), "`skein rollout show " + id + "` tells where it stands"}
		case o.wave != "" && o.wave != wave:
			return &usageError{fmt.Sprintf("rollout %s waits for an approval of wave %s, not of %s", id, wave, o.wave), ""}
		}
		o.wave = wave
	case rollout.ActionSkip:
		return o.known(r)
	}
	return nil
}

// known refuses tenants that are not part of the rollout.
func (o *order) known(r *record) error {
	part := map[string]bool{}
	for _, w := range r.plan.Waves {
		for _, item := range w.Items {
			part[item.Tenant.ID] = true
		}
	}
	for _, id := range o.tenants {
		if !part[id] {
			return &usageError{fmt.Sprintf("tenant %s is not part of rollout %s", id, r.report.Rollout), "`skein tenants` lists the ids"}
		}
	}
	return nil
}

// settle carries an order out on a rollout that nobody runs. The caller has the fleet's lock.
func (f *fleet) settle(ctx context.Context, store rollout.Store, id string, o order) error {
	r, err := f.loadHeld(ctx, store, id) // what ran a moment ago may have come further
	if err != nil {
		return err
	}
	if err := o.check(&r); err != nil {
		return err
	}
	switch o.action {
	case rollout.ActionPause:
		return &usageError{fmt.Sprintf("nobody runs rollout %s: it is %s", id, r.report.State), "`skein rollout resume " + id + "` goes on, `skein rollout abort " + id + "` gives it up"}
	case rollout.ActionApprove:
		if c := r.approval(o.wave); c != nil {
			return &usageError{
				fmt.Sprintf("the gate of wave %s was approved already, by %s on %s", o.wave, c.User, c.Host), "`skein rollout resume " + id + "` goes on",
			}
		}
		if _, err := store.Command(ctx, o.command(id)); err != nil {
			return noRollout(err, id)
		}
		f.app.tell(steered{id, o.action, r.report.State,
			fmt.Sprintf("the gate of wave %s is approved; nobody runs the rollout at the moment: skein rollout resume %s", o.wave, id)})
		return nil
	}
	c, err := store.Command(ctx, o.command(id))
	if err != nil {
		return noRollout(err, id)
	}
	return f.heed(ctx, store, c)
}

// heed lets the orchestrator take in what was asked of a rollout that nobody runs, and tells what came of it.
func (f *fleet) heed(ctx context.Context, store rollout.Store, c rollout.Command) error {
	report, told, err := f.takeIn(ctx, store, c.Rollout)
	if err != nil {
		return err
	}
	defer told() // after the answer: nobody waits for a hook to read it
	came := takenIn(report, c.Seq)
	if came == nil {
		return &usageError{fmt.Sprintf("the process that ran rollout %s ended before it took this in; it is %s", c.Rollout, report.State),
			"`skein rollout resume " + c.Rollout + "` goes on"}
	}
	return f.app.cameTo(report, came)
}

// takeIn takes in what was asked of a rollout that nobody runs. Webhooks are told of what came of it as they are told
// of a run's end; told waits for them.
func (f *fleet) takeIn(ctx context.Context, store rollout.Store, id string) (report *rollout.Report, told func(), err error) {
	_, before, err := store.Load(ctx, id)
	if err != nil {
		return nil, nil, noRollout(err, id)
	}
	var fresh factList
	report, err = control.ApplyPending(ctx, store, id, &fresh)
	if err != nil || len(fresh) == 0 {
		return report, func() {}, err
	}
	if _, opens := fresh[0].Fact.(rollout.Started); opens { // which is no run: it died before its first fact
		before, fresh = append(before, fresh[0]), fresh[1:]
	}
	hooks := f.hooks(before)
	for _, e := range fresh {
		hooks.Observe(e)
	}
	return report, func() { hooks.Close(ctx) }, nil
}

// factList is an observer that keeps what it is shown.
type factList []rollout.Event

func (l *factList) Observe(e rollout.Event) { *l = append(*l, e) }

// loadHeld is load for a caller that has the fleet's lock: what is called running has lost its process.
func (f *fleet) loadHeld(ctx context.Context, store rollout.Store, id string) (record, error) {
	plan, events, err := store.Load(ctx, id)
	if err != nil {
		return record{}, noRollout(err, id)
	}
	r := record{plan: rollout.Current(plan, events), events: events, report: reportOf(plan, events)}
	if r.report.State == rollout.StateRunning {
		r.report.State = rollout.StateInterrupted
	}
	r.commands, err = store.Commands(ctx, id, 0)
	return r, err
}

// The patience with a process that was asked something. It looks once a second, and may be at a slow store.
const (
	askPatience = 10 * time.Second
	askFirst    = 100 * time.Millisecond // before the first look; doubles to a second
)

// ask writes the order down and waits until the process that runs the rollout has taken it in. Should that end
// meanwhile, the order is carried out here.
func (f *fleet) ask(ctx context.Context, store rollout.Store, r *record, o order) error {
	id := r.report.Rollout
	c, err := store.Command(ctx, o.command(id))
	if err != nil {
		return noRollout(err, id)
	}
	deadline := time.Now().Add(askPatience)
	for wait := askFirst; ; wait = min(2*wait, time.Second) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		plan, events, err := store.Load(ctx, id)
		if err != nil {
			return err
		}
		report := reportOf(plan, events)
		if came := takenIn(report, c.Seq); came != nil {
			return f.app.cameTo(report, came)
		}
		if wait < time.Second {
			continue
		}
		lease, err := f.lock(ctx, store, "")
		switch {
		case err == nil:
			err = f.heed(ctx, store, c)
			return errors.Join(err, release(ctx, lease))
		case !heldError(err):
			return err
		case time.Now().After(deadline):
			f.app.tell(steered{id, o.action, report.State, "it is written down, but the process that runs the rollout has not taken it in yet; `skein rollout audit` tells when"})
			return nil
		}
	}
}

// cameTo tells what came of a command.
func (a *app) cameTo(r *rollout.Report, came *rollout.Commanded) error {
	c := came.Command
	if came.Refused != "" {
		return &usageError{fmt.Sprintf("rollout %s refused to %s: %s", c.Rollout, c.Action, came.Refused), ""}
	}
	message := ""
	switch c.Action {
	case rollout.ActionPause:
		message = "running tenants finish, no other is begun; to go on: skein rollout resume " + c.Rollout
	case rollout.ActionAbort:
		message = "it is given up"
		if r.Left() > 0 && (r.State == rollout.StateRunning || r.State == rollout.StateWaiting) {
			message = "running tenants finish, no other is begun, and it is given up"
		}
	case rollout.ActionApprove:
		message = "the gate of wave " + c.Wave + " is approved"
	case rollout.ActionSkip:
		message = "left alone: " + strings.Join(c.Tenants, ", ")
	}
	a.tell(steered{c.Rollout, c.Action, r.State, message})
	return nil
}

func (a *app) tell(s steered) {
	if a.json {
		writeJSON(a.out, s)
		return
	}
	if !a.quiet {
		fmt.Fprintf(a.out, "rollout %s: %s\n", s.Rollout, s.Message)
	}
}
