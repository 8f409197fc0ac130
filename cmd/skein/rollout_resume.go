package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/tenant"
)

func (a *app) rolloutResumeCommand() *cobra.Command {
	var flags changeFlags
	cmd := &cobra.Command{
		Use:   "resume [ID]",
		Short: "Go on with a rollout: all its tenants that are not where it planned them",
		Long: "Go on with a rollout that failed for some, was paused, halted, interrupted or killed: every tenant is asked where it\n" +
			"stands, and those that are not where the rollout planned them are taken up with fresh attempts and a fresh budget;\n" +
			"skipped ones are left alone, and gates that passed are not asked again. It refuses a rollout that was aborted, and\n" +
			"when a revision of the plan changed or vanished; new revisions are not added.",
		Args:    cobra.MaximumNArgs(1),
		Example: "  skein rollout resume\n  skein rollout resume 20261123-031500-k7qa --reason 'disk is larger now'",
	}
	flags.addLimits(cmd)
	flags.addWaiting(cmd)
	flags.addTerminate(cmd)
	flags.addReason(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.takeUp(cmd, first(args), &flags, order{action: rollout.ActionResume, reason: flags.reason})
	}
	return cmd
}

// unfinished are rollouts of which something may be left to do.
var unfinished = wanted{
	also: func(s rollout.Summary) bool {
		return s.State != rollout.StateAborted && (s.State != rollout.StateFinished || s.Counts[plan.OutcomeFailed]+s.Counts[plan.OutcomeUncertain] > 0)
	},
	latest: true,
	none:   "no rollout has anything left to do",
}

// takeUp goes on with a rollout of the store, for all of its tenants or for those that the order names.
func (a *app) takeUp(cmd *cobra.Command, named string, flags *changeFlags, o order) error {
	ctx := cmd.Context()
	id, err := a.find(ctx, named, unfinished)
	if err != nil {
		return err
	}
	return a.withFleet(cmd, id, flags, func(f *fleet, store rollout.Store) error {
		return f.locked(ctx, store, id, func(lease rollout.Lease) error {
			stored, err := f.load(ctx, store, id)
			if err != nil {
				return err
			}
			f.useKept(stored.plan)
			if err := f.awaitOrphans(ctx, stored.plan, flags.terminate); err != nil {
				return err
			}
			opts := plan.Rules{Mode: f.engine.Mode(), AllowChanged: flags.allowChanged}
			plan, err := f.rearrange(ctx, stored, plan.ResumeOptions{Rules: opts, Only: o.tenants})
			if err != nil {
				return err
			}
			if err := idle(plan, &stored, o.tenants); err != nil {
				return err
			}
			asked := o.command(id)
			return f.run(ctx, run.Config{
				Plan: plan, Store: store, Lease: lease, Earlier: stored.events, Policy: f.project.Policy, Options: opts, NoWait: flags.noWait, Command: &asked,
			})
		})
	})
}

// rearrange asks the tenants of a rollout where they stand, and plans what is left.
func (f *fleet) rearrange(ctx context.Context, stored record, how plan.ResumeOptions) (*plan.Plan, error) {
	who, err := f.scopeOf(stored.plan)
	if err != nil {
		return nil, err
	}
	fleet, _, err := f.gather(ctx, who)
	if err != nil {
		return nil, err
	}
	if stored.plan.Kind == plan.KindRollback {
		f.warnOfUnnamed(ctx, stored.plan, fleet)
	}
	where := run.Locate(ctx, f.engine, stored.plan, stored.plan.Planned(), fleet, func(tenant.Tenant) bool {
		return stored.report.State != rollout.StateFinished // else it does not join, and its place is that of the old name
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(where.Unlisted) > 0 {
		f.app.note("skein: warning: %s", run.UnlistedWarning(where.Unlisted))
	}
	plan, err := plan.Resume(rollout.Current(stored.plan, stored.events), rollout.HistoryOf(stored.events), where.Members, f.graph, how)
	if err != nil {
		return nil, err
	}
	return f.checked(ctx, plan)
}

// warnOfUnnamed tells which tenants a rollback that is taken up again does not know, though they have revisions that it
// takes back: they were renamed or copied since it was planned.
func (f *fleet) warnOfUnnamed(ctx context.Context, p *plan.Plan, tenants []tenant.Tenant) {
	var left []string
	for _, m := range run.SurveyFor(ctx, f.engine, p.Others(tenants), p) {
		if len(m.Standing.Applied.Of(p.Of)) > 0 {
			left = append(left, m.Tenant.ID)
		}
	}
	if len(left) > 0 {
		f.warn([]string{fmt.Sprintf("%s that rollout %s applied revisions to %s not named by this rollback: %s; `skein rollout rollback %s` takes them back",
			view.Count(len(left), "tenant"), p.Of, text.Plural(len(left), "is", "are"), strings.Join(left, ", "), p.Of)})
	}
}

// find finds the id before the connections are named after it.
func (a *app) find(ctx context.Context, named string, want wanted) (id string, err error) {
	err = a.withStore(ctx, func(f *fleet, store rollout.Store) error {
		id, err = f.rolloutID(ctx, store, named, want)
		return err
	})
	return id, err
}
