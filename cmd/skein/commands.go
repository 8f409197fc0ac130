package main

import (
	"github.com/spf13/cobra"

	"github.com/skeindb/skein/config"
	"github.com/skeindb/skein/engine/revision"
)

// commands lists all commands, in the order of the help.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.initCommand(),
		a.revisionCommand(),
		a.mergeCommand(),
		a.showCommand(),
		a.headsCommand(),
		a.branchesCommand(),
		a.historyCommand(),
		a.pathCommand(),
		a.checkCommand(),

		a.tenantsCommand(),
		a.statusCommand(),
		a.currentCommand(),
		a.compatCommand(),
		a.planCommand(),
		a.upgradeCommand(),
		a.downgradeCommand(),
		a.stampCommand(),
		a.rolloutCommand(),
		a.doctorCommand(),

		a.demoCommand(),
		a.configCommand(),
		a.versionCommand(),
	}
}

// project reads the config. Each of its warnings is printed once.
func (a *app) project(opts config.Options) (*config.Project, error) {
	values, err := a.values()
	if err != nil {
		return nil, err
	}
	opts.Vars = values
	p, err := config.Load(a.config, opts)
	if err != nil {
		return nil, err
	}
	for _, w := range p.Warnings {
		if !a.warned[w] {
			if a.warned == nil {
				a.warned = map[string]bool{}
			}
			a.warned[w] = true
			a.note("skein: warning: %s", w)
		}
	}
	return p, nil
}

// authoring is what the commands need that know no tenants: config and graph.
func (a *app) authoring() (*config.Project, *revision.Graph, error) {
	p, err := a.project(config.Options{Offline: true})
	if err != nil {
		return nil, nil, err
	}
	g, err := a.graph(p)
	return p, g, err
}
