package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// sent is the answer to a request, as JSON.
type sent struct {
	Rollout string         `json:"rollout"`
	Action  rollout.Action `json:"action"`
	State   rollout.State  `json:"state"` // of the rollout
	Message string         `json:"message"`
}

// send asks something of a rollout, the latest that fits where none is named, and shows the answer.
func (a *app) send(ctx context.Context, named string, req control.Request) error {
	return a.withStore(ctx, func(f *fleet, store rollout.FullStore) error {
		c := f.control(store)
		defer f.closeHooks(ctx)
		id, err := named, error(nil)
		if id == "" {
			id, err = c.Find(ctx, req.Action)
		}
		if err != nil {
			return err
		}
		answer, err := c.Send(ctx, id, req)
		if answer != nil {
			a.showAnswer(answer)
		}
		return err
	})
}

// showAnswer says what came of a request.
func (a *app) showAnswer(answer *control.Answer) {
	s := sent{answer.Rollout, answer.Command.Action, answer.Report.State, answerText(answer)}
	if a.json {
		writeJSON(a.out, s)
		return
	}
	if !a.quiet {
		fmt.Fprintf(a.out, "rollout %s: %s\n", s.Rollout, s.Message)
	}
}

func answerText(answer *control.Answer) string {
	c, r := answer.Command, answer.Report
	switch {
	case !answer.Acknowledged && answer.Running:
		return "recorded; the running process has not acknowledged it yet; see `skein rollout audit`"
	case !answer.Acknowledged:
		return fmt.Sprintf("the gate of wave %s is approved, and no process runs the rollout; next: skein rollout resume %s", c.Wave, c.Rollout)
	}
	switch c.Action {
	case rollout.ActionPause:
		return "running tenants finish, no more are started; next: skein rollout resume " + c.Rollout
	case rollout.ActionAbort:
		if r.Left() > 0 && (r.State == rollout.StateRunning || r.State == rollout.StateWaiting) {
			return "aborted: running tenants finish, no more are started"
		}
		return "aborted"
	case rollout.ActionApprove:
		return "the gate of wave " + c.Wave + " is approved"
	case rollout.ActionSkip:
		return "skipped: " + strings.Join(c.Tenants, ", ")
	}
	return ""
}
