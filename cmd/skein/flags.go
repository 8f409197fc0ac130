package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

// changeFlags are those of the commands that change tenants. A command adds the groups of them that it has.
type changeFlags struct {
	selectors *[]string // nil = all tenants

	// limits
	concurrency  int
	perServer    int
	maxFailures  string
	allowChanged bool
	yes          bool

	// first run
	dryRun bool
	tag    string

	// shape
	canary string // selector, number or share
	wave   string // name
	file   string // of a plan

	rehearse  string // "", all or sample
	noWait    bool
	terminate bool
	reason    string
}

// add adds what every command has that plans a rollout of its own.
func (c *changeFlags) add(cmd *cobra.Command) {
	c.selectors = selectorFlag(cmd)
	c.addLimits(cmd)
	f := cmd.Flags()
	f.BoolVar(&c.dryRun, "dry-run", false, "show the plan and stop")
	f.StringVar(&c.tag, "tag", "", "label for the audit log, such as a release")
}

// addLimits adds the limits and permissions.
func (c *changeFlags) addLimits(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&c.concurrency, "concurrency", 0, "maximum number of tenants at once in the fleet")
	f.IntVar(&c.perServer, "per-server", 0, "maximum number of tenants at once on one server")
	c.addBudget(cmd)
	c.addAllowChanged(cmd)
	f.BoolVar(&c.yes, "yes", false, "do not ask")
}

func (c *changeFlags) addBudget(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.maxFailures, "max-failures", "", "failed tenants that a wave may have without halting the rollout: `N or P%` of its tenants")
}

func (c *changeFlags) addAllowChanged(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.allowChanged, "allow-changed", false, "accept applied revisions whose files changed since")
}

// addShape adds flags that change the waves of the config.
func (c *changeFlags) addShape(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.canary, "canary", "", "put a wave named canary first, of `WHO`: a selector, a number, or P% of the planned tenants; a wave canary of the config keeps its gate")
	f.StringVar(&c.wave, "wave", "", "only the tenants of the wave `NAME`")
}

// addWaiting adds what happens at a gate that waits for an approval.
func (c *changeFlags) addWaiting(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.noWait, "no-wait", false, "exit with 3 when a gate waits for an approval; continue with rollout approve, then rollout resume")
}

func (c *changeFlags) addRehearse(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.rehearse, "rehearse", "", "apply to `all|sample` of the tenants, roll back, and report failures and locks; a sample is one tenant of each cohort and size")
	cmd.Flags().Lookup("rehearse").NoOptDefVal = rehearseAll
}

// addPlanFile adds running a plan file, which has tenants, target and waves.
func (c *changeFlags) addPlanFile(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.file, "plan", "", "run exactly the plan in `FILE`, written by `skein plan -o FILE`; refuse if anything changed since")
}

// addTerminate adds what happens to the backends of a killed run.
func (c *changeFlags) addTerminate(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.terminate, "terminate", false, "end the statements that a killed run left on the servers, instead of waiting for them")
}

// addReason adds the reason for the audit log.
func (c *changeFlags) addReason(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.reason, "reason", "", "`TEXT` for the audit log")
}

// overrides are the flags that replace keys of the config.
func (c *changeFlags) overrides(cmd *cobra.Command) map[string]string {
	o := map[string]string{}
	if cmd.Flags().Changed("concurrency") {
		o["rollout.concurrency"] = strconv.Itoa(c.concurrency)
	}
	if cmd.Flags().Changed("per-server") {
		o["rollout.per_server"] = strconv.Itoa(c.perServer)
	}
	if cmd.Flags().Changed("max-failures") {
		o["rollout.max_failures"] = c.maxFailures
	}
	return o
}

// agree refuses flags that contradict each other.
func (c *changeFlags) agree(cmd *cobra.Command, args []string) error {
	if c.rehearse != "" && c.rehearse != rehearseAll && c.rehearse != rehearseSample {
		return &usageError{fmt.Sprintf("--rehearse=%s: the value must be %s or %s", c.rehearse, rehearseAll, rehearseSample), "see `" + cmd.CommandPath() + " --help`"}
	}
	for one, others := range map[string][]string{
		"rehearse": {"dry-run", "no-wait", "canary"},
		"plan":     {"tenants", "canary", "wave", "tag", "rehearse"},
	} {
		for _, other := range others {
			if cmd.Flags().Changed(one) && cmd.Flags().Changed(other) {
				return &usageError{fmt.Sprintf("--%s and --%s cannot be used together", one, other), "see `" + cmd.CommandPath() + " --help`"}
			}
		}
	}
	for name, value := range map[string]string{"canary": c.canary, "wave": c.wave, "plan": c.file} {
		if value == "" && cmd.Flags().Changed(name) {
			return &usageError{"--" + name + " has no value", "see `" + cmd.CommandPath() + " --help`"}
		}
	}
	if c.file != "" && len(args) > 0 {
		return &usageError{"--plan and a target cannot be used together: the plan has its own", "leave out the target " + args[0]}
	}
	return nil
}
