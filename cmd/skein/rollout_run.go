package main

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/notify"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/tenant"
)

// begin returns the observers of a run, or of commands that are handled without one.
func (f *fleet) begin(b orchestrator.Beginning) []rollout.Observer {
	if b.NoRun {
		return []rollout.Observer{f.hooks(b.Earlier)}
	}
	f.app.drains.Store(true)
	f.lookForMisplaced()
	o := f.viewOptions(b.Earlier)
	notes := b.Plan.Notes
	if b.Rehearsal != nil {
		o.Rehearsal = b.Rehearsal
	} else {
		o.Gates, notes = gatesOf(b.Plan), notesOf(b.Plan)
	}
	f.view = f.app.view(o)
	if b.Earlier == nil { // else they were shown when it was planned
		for _, note := range notes {
			f.view.Note(view.Commands(note))
		}
	}
	if b.Rehearsal != nil {
		return []rollout.Observer{f.view}
	}
	return []rollout.Observer{f.view, f.hooks(b.Earlier)}
}

// hooks are the webhooks of the config, for a rollout of which so much is known. They are waited for after the output.
func (f *fleet) hooks(earlier []rollout.Event) *notify.Notifier {
	hooks := notify.New(f.project.Notify, notify.Config{
		Warn: func(message string) { f.app.note("skein: warning: %s", message) }, Earlier: earlier, Command: view.Command,
	})
	f.later = append(f.later, hooks.Close)
	return hooks
}

// closeHooks waits for the webhooks, after the output: no reader waits for a hook.
func (f *fleet) closeHooks(ctx context.Context) {
	for _, closes := range f.later {
		closes(ctx)
	}
	f.later = nil
}

// notesOf are what people should know before a plan is run: of a rollback also what cannot be taken back.
func notesOf(p *plan.Plan) []string {
	notes := slices.Clone(p.Notes)
	for _, c := range p.Cohorts {
		switch who := view.Count(c.Count, "tenant"); {
		case p.Kind != plan.KindRollback:
		case c.Action == plan.ActionSkip:
			notes = append(notes, who+": "+c.Reason)
		case c.Action == plan.ActionRefuse:
			notes = append(notes, who+": cannot be taken back: "+c.Failure.Message)
		}
	}
	return notes
}

// finish draws the report and returns the exit code. An error beside a report is about the store.
func (f *fleet) finish(report *rollout.Report, err error) error {
	return f.finishWith(exitDone, report, err)
}

// finishWith is finish with an exit code for a report that calls for none.
func (f *fleet) finishWith(good int, report *rollout.Report, err error) error {
	if report == nil {
		return err
	}
	code := view.ExitCode(report)
	if err != nil && code == exitDone {
		code = exitHalted
	}
	if code == exitDone {
		code = good
	}
	f.view.Close(report, code)
	if err != nil {
		f.app.note("skein: %v", err)
	}
	if code == exitDone {
		return nil
	}
	return exitCode(code)
}

func (f *fleet) viewOptions(earlier []rollout.Event) view.Options {
	return view.Options{
		Verbose: f.app.verbose, Quiet: f.app.quiet, Colour: f.app.colour(f.app.out),
		Folder: filepath.ToSlash(show(revisionsDir(f.project))), Earlier: earlier,
	}
}

// gatesOf are the gates of a plan in words, by wave. A run for some tenants asks none.
func gatesOf(p *plan.Plan) map[string]string {
	gates := map[string]string{}
	for _, w := range p.Waves {
		if text := view.Gate(w.Gate); text != "" && !p.Partial {
			gates[w.Name] = text
		}
	}
	return gates
}

// view chooses how the run is drawn.
func (a *app) view(o view.Options) view.View {
	switch {
	case a.stream != nil:
		return a.stream.Part()
	case a.json:
		a.lines = view.NewJSON(a.out, toolVersion(), o)
		return a.lines
	case isTerminal(a.out) && !a.quiet:
		return view.NewBar(a.out, o)
	}
	return view.NewPlain(a.out, o)
}

// data is what a body with the template option sees of a tenant.
func (f *fleet) data(t tenant.Tenant) any {
	return templateData{Tenant: templateTenantOf(t), X: f.project.Vars}
}

// templateData is what a body with the template option sees.
type templateData struct {
	Tenant templateTenant
	X      map[string]string // -x key=value
}

type templateTenant struct {
	ID, Server, Database, Schema, File string
	Labels                             map[string]string
}

func templateTenantOf(t tenant.Tenant) templateTenant {
	return templateTenant{t.ID, t.Location.Server, t.Location.Database, t.Location.Schema, t.Location.File, t.Labels}
}
