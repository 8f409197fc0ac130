package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// planDocument is `plan --json`.
type planDocument struct {
	Target     string                    `json:"target"`
	Waves      []planWave                `json:"waves"`
	Cohorts    []planCohort              `json:"cohorts"`
	Notes      []string                  `json:"notes,omitempty"`
	Extensions []view.MisplacedExtension `json:"extensions,omitempty"`
}

type planWave struct {
	Name    string    `json:"name"`
	Tenants []string  `json:"tenants"`
	Gate    *planGate `json:"gate,omitempty"`
}

type planGate struct {
	Bake     string   `json:"bake"`
	Checks   []string `json:"checks"`
	Approval bool     `json:"approval"`
}

type planCohort struct {
	From  []string `json:"from"`
	To    []string `json:"to"`
	Steps []string `json:"steps"`

	Transactions [][]string `json:"transactions,omitempty"` // Steps as they commit, where that is not at once

	Count   int     `json:"count"`
	State   string  `json:"state"`
	Refused *string `json:"refused"`
	Skipped *string `json:"skipped"`
}

func (a *app) planCommand() *cobra.Command {
	var flags changeFlags
	var file string
	cmd := &cobra.Command{
		Use:     "plan [TARGET]",
		Short:   "Show what `upgrade` would run, and for which tenants",
		Long:    "Show what `upgrade` would run, wave by wave, and for which tenants. With -o the plan is written to a file to review;\n`skein upgrade --plan` runs exactly that plan, or refuses if anything changed since.",
		GroupID: "fleet",
		Args:    cobra.MaximumNArgs(1),
		Example: "  skein plan\n  skein plan +1 --canary 5%\n  skein plan -o plan.json",
	}
	flags.selectors = selectorFlag(cmd)
	flags.addShape(cmd)
	flags.addBudget(cmd)
	flags.addAllowChanged(cmd)
	cmd.Flags().StringVarP(&file, "output", "o", "", "write the plan to `FILE`, for `skein upgrade --plan`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := flags.agree(cmd, args); err != nil {
			return err
		}
		ctx := cmd.Context()
		id := plan.NewID(time.Now())
		return a.withFleet(cmd, id, &flags, func(f *fleet, _ rollout.FullStore) error {
			c, err := f.shaped(orchestrator.UpgradeTo(targetOf(args)), &flags)
			if err != nil {
				return err
			}
			c.ID = id
			plan, err := f.plan(ctx, c, &flags)
			if err != nil {
				return unreached(err)
			}
			if file != "" {
				if err := savePlan(file, plan); err != nil {
					return err
				}
			}
			err = a.printPlan(plan)
			if file != "" && !a.json && !a.quiet {
				fmt.Fprintf(a.out, "\nwritten to %s; `skein upgrade --plan %s` runs it\n", file, file)
			}
			return err
		})
	}
	return cmd
}

// printPlan shows a plan. Its exit code is 2 where tenants could not be read or would be refused, and so would fail.
func (a *app) printPlan(p *plan.Plan) error {
	if a.json {
		a.writePlanJSON(p)
	} else if err := writePlan(a.out, p); err != nil {
		return err
	}
	for _, c := range p.Cohorts {
		if c.State == "unreachable" || c.Action == plan.ActionRefuse && c.Count > 0 {
			return exitCode(exitFailed)
		}
	}
	return nil
}

func (a *app) writePlanJSON(p *plan.Plan) {
	waves := []planWave{}
	for _, w := range p.Waves {
		ids := make([]string, 0, len(w.Items))
		for _, item := range w.Items {
			ids = append(ids, item.Tenant.ID)
		}
		wave := planWave{Name: w.Name, Tenants: ids}
		if g := w.Gate; g != nil {
			wave.Gate = &planGate{Bake: view.Span(g.Bake), Checks: list(g.Checks), Approval: g.Approval}
		}
		waves = append(waves, wave)
	}
	cohorts := []planCohort{}
	for _, c := range p.Cohorts {
		entry := planCohort{From: list(c.From), To: list(c.To), Steps: list(c.Steps), Count: c.Count, State: string(c.State)}
		if t := c.Transactions(); len(t) > 1 {
			entry.Transactions = t
		}
		switch c.Action {
		case plan.ActionRefuse:
			entry.Refused = &c.Failure.Message
		case plan.ActionSkip:
			entry.Skipped = &c.Reason
		}
		cohorts = append(cohorts, entry)
	}
	writeJSON(a.out, planDocument{p.Target, waves, cohorts, view.AllCommands(p.Notes), a.misplaced})
}

func writePlan(out io.Writer, p *plan.Plan) error {
	to := "to"
	if p.Kind == plan.KindRollback {
		to = "of"
	}
	fmt.Fprintf(out, "%s %s %s: %d of %s %s something to do", p.Kind, to, p.Target, p.Changes(), view.Count(p.Len(), "tenant"), has(p.Len()))
	if n := refusedIn(p); n > 0 {
		fmt.Fprintf(out, ", %d would be refused", n)
	}
	fmt.Fprintln(out)
	for i := range p.Waves {
		fmt.Fprintln(out, waveText(p, &p.Waves[i]))
	}
	for _, note := range view.AllCommands(p.Notes) {
		fmt.Fprintf(out, "note: %s\n", note)
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "\nTENANTS\tFROM\tTO\tSTEPS")
	for _, c := range p.Cohorts {
		view.Row(w, "%d\t%s\t%s\t%s\n", c.Count, orBase(c.From), orBase(c.To), stepsText(c))
	}
	return w.Flush()
}

// refusedIn is how many tenants of a plan would be refused, and so fail.
func refusedIn(p *plan.Plan) (n int) {
	for _, c := range p.Cohorts {
		if c.Action == plan.ActionRefuse {
			n += c.Count
		}
	}
	return n
}

func has(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

// waveText is a wave in a line. If there is only one, the plan's first line has the number of tenants with something to do.
func waveText(p *plan.Plan, w *plan.Wave) string {
	text := fmt.Sprintf("wave %s: %s", w.Name, view.Count(len(w.Items), "tenant"))
	if len(p.Waves) > 1 && len(w.Items) > 0 {
		n := 0
		for _, item := range w.Items {
			if p.Cohorts[item.Cohort].Action == plan.ActionMigrate {
				n++
			}
		}
		text += fmt.Sprintf(", %d with something to do", n)
	}
	if gate := view.Gate(w.Gate); gate != "" {
		text += "; gate: " + gate
	}
	return text
}

// stepsText is what runs, in brackets what commits together.
func stepsText(c plan.Cohort) string {
	switch c.Action {
	case plan.ActionRefuse:
		return "refused: " + placeText(c.Failure) + c.Failure.Message
	case plan.ActionSkip:
		return "skipped: " + c.Reason
	case plan.ActionNone, plan.ActionGone:
		return "nothing to do"
	}
	transactions := c.Transactions()
	if len(c.Steps) <= 4 {
		if len(transactions) < 2 {
			return fmt.Sprint(c.Steps)
		}
		text := make([]string, len(transactions))
		for i, t := range transactions {
			text[i] = fmt.Sprint(t)
		}
		return strings.Join(text, " ")
	}
	text := fmt.Sprintf("%d: %s … %s", len(c.Steps), c.Steps[0], c.Steps[len(c.Steps)-1])
	if len(transactions) > 1 {
		text += fmt.Sprintf(", in %d transactions", len(transactions))
	}
	return text
}

// placeText is where in the revisions a failure is, with a colon; "" when it is about none.
func placeText(f *plan.Failure) string {
	switch {
	case f.File == "":
		return ""
	case f.Line == 0:
		return f.File + ": "
	}
	return fmt.Sprintf("%s:%d: ", f.File, f.Line)
}
