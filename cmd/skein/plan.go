package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator"
)

type planWave struct {
	Name    string   `json:"name"`
	Tenants []string `json:"tenants"`
}

type planCohort struct {
	From    []string `json:"from"`
	To      []string `json:"to"`
	Steps   []string `json:"steps"`
	Count   int      `json:"count"`
	State   string   `json:"state"`
	Refused *string  `json:"refused"`
	Skipped *string  `json:"skipped"`
}

func (a *app) planCommand() *cobra.Command {
	var flags changeFlags
	cmd := &cobra.Command{
		Use:     "plan [TARGET]",
		Short:   "Show what `upgrade` would run, and for whom",
		GroupID: "fleet",
		Args:    cobra.MaximumNArgs(1),
	}
	flags.selectors = selectorFlag(cmd)
	cmd.Flags().BoolVar(&flags.allowChanged, "allow-changed", false, "as in `upgrade`")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		target := "heads"
		if len(args) > 0 {
			target = args[0]
		}
		f, err := a.open(cmd.Context(), "skein", nil, nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.close()) }()
		store, err := f.openStore(cmd.Context(), true)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		plan, err := f.arrange(cmd.Context(), store, "plan", change{kind: orchestrator.Upgrade, targets: []string{target}, flags: &flags})
		if err != nil {
			return err
		}
		return a.printPlan(plan)
	}
	return cmd
}

// printPlan shows a plan. Its exit code is that of a reading command.
func (a *app) printPlan(p *orchestrator.Plan) error {
	if a.json {
		a.writePlanJSON(p)
	} else if err := a.writePlan(p); err != nil {
		return err
	}
	for _, c := range p.Cohorts {
		if c.State == "unreachable" {
			return exitCode(exitFailed)
		}
	}
	return nil
}

func (a *app) writePlanJSON(p *orchestrator.Plan) {
	waves := []planWave{}
	for _, w := range p.Waves {
		ids := make([]string, 0, len(w.Items))
		for _, item := range w.Items {
			ids = append(ids, item.Tenant.ID)
		}
		waves = append(waves, planWave{w.Name, ids})
	}
	cohorts := []planCohort{}
	for _, c := range p.Cohorts {
		entry := planCohort{From: list(c.From), To: list(c.To), Steps: list(c.Steps), Count: c.Count, State: string(c.State)}
		if c.Refused != nil {
			entry.Refused = &c.Refused.Message
		}
		if c.Skipped != "" {
			entry.Skipped = &c.Skipped
		}
		cohorts = append(cohorts, entry)
	}
	writeJSON(a.out, map[string]any{"target": p.Target, "waves": waves, "cohorts": cohorts})
}

func (a *app) writePlan(p *orchestrator.Plan) error {
	fmt.Fprintf(a.out, "%s to %s: %d of %d tenants have something to do\n", p.Kind, p.Target, p.Changes(), p.Len())
	for _, w := range p.Waves {
		fmt.Fprintf(a.out, "wave %s: %s\n", w.Name, view.Count(len(w.Items), "tenant"))
	}
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "\nTENANTS\tFROM\tTO\tSTEPS")
	for _, c := range p.Cohorts {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", c.Count, orBase(c.From), orBase(c.To), stepsText(c))
	}
	return w.Flush()
}

func stepsText(c orchestrator.Cohort) string {
	switch {
	case c.Refused != nil:
		return "refused: " + c.Refused.Message
	case c.Skipped != "":
		return "skipped: " + c.Skipped
	case len(c.Steps) == 0:
		return "nothing to do"
	case len(c.Steps) <= 4:
		return fmt.Sprint(c.Steps)
	}
	return fmt.Sprintf("%d: %s … %s", len(c.Steps), c.Steps[0], c.Steps[len(c.Steps)-1])
}
