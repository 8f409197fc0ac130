package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/config"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
)

// diagnosis is what is found about a server. With Server "" it is about the revisions, and only people see it.
type diagnosis struct {
	view.ServerDiagnosis
	health *postgres.Health // nil where the server could not be asked
}

func newDiagnosis(server string) diagnosis {
	return diagnosis{ServerDiagnosis: view.ServerDiagnosis{Server: server, Problems: []string{}, Extensions: []view.MisplacedExtension{}}}
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "doctor",
		Short:   "Connect to each server and report what would disturb a rollout",
		GroupID: "fleet",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			p, err := a.project(config.Options{})
			if err != nil {
				return err
			}
			found := []diagnosis{}
			var code error
			g, err := a.graph(p)
			if err != nil && a.json { // the one document is the error
				return err
			}
			if err != nil { // the servers are asked all the same
				found, code = append(found, ofRevisions(err)), exitCode(exitUsage)
				if g, err = revision.NewGraph(nil); err != nil {
					return err
				}
			}
			f, err := a.openWith(cmd.Context(), p, g, "skein", nil)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, f.close()) }()
			if err := f.orchestrate(nil, nil); err != nil {
				return err
			}
			if f.pg != nil {
				if _, err := f.Tenants(cmd.Context()); err != nil { // only what a source's pattern matches, or has a version table, is a tenant then
					f.warn("the tenants could not be listed: " + err.Error())
				}
			}
			for _, s := range f.project.Servers {
				d := newDiagnosis(s.Name)
				h, err := f.pg.Health(cmd.Context(), s.Name)
				if err != nil {
					text := err.Error()
					d.Error = &text
					code = cmp.Or(code, error(exitCode(exitFailed)))
				} else {
					d.health, d.Health, d.Problems = &h, view.HealthJSON(&h), problems(h, !s.DirectURL.IsZero())
					d.lookForMisplaced(cmd.Context(), f)
				}
				found = append(found, d)
			}
			if a.json {
				servers := make([]view.ServerDiagnosis, 0, len(found))
				for _, d := range found {
					servers = append(servers, d.ServerDiagnosis)
				}
				writeJSON(a.out, servers)
				return code
			}
			a.printDiagnoses(found)
			return code
		},
	}
}

// ofRevisions is the finding that the revisions cannot be read; it is of no server.
func ofRevisions(err error) diagnosis {
	d := newDiagnosis("")
	for _, e := range all(err) {
		p := problemOf(e)
		if p.Hint != "" {
			p.Message += "; " + p.Hint
		}
		d.Problems = append(d.Problems, p.Message)
	}
	return d
}

// lookForMisplaced adds the extensions that lie in schemas of tenants.
func (d *diagnosis) lookForMisplaced(ctx context.Context, f *fleet) {
	list, err := f.pg.LookForExtensions(ctx, d.Server)
	if err != nil {
		d.Problems = append(d.Problems, "cannot read the schemas of its extensions: "+err.Error())
		return
	}
	d.Extensions = f.misplaced(list)
	for _, m := range d.Extensions {
		d.Problems = append(d.Problems, misplacedText(m))
	}
}

// problems is what an operator should fix before a rollout.
func problems(h postgres.Health, direct bool) []string {
	list := []string{}
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if h.Recovering {
		add("the server is a standby: it accepts no changes")
	}
	if h.ReadOnly {
		add("default_transaction_read_only is on for this role or database")
	}
	if h.Pooled && !direct {
		add("the URL leads to a pooler and direct_url is not set: no-transaction revisions cannot run")
	}
	if h.Free < 2 {
		add("only %d of %d connections are free for skein: %d reserved, %d in use", h.Free, h.MaxConnections, h.Reserved, h.InUse)
	}
	for _, t := range h.Long {
		add("pid %d (%s, %s, database %s) has had a transaction open for %s: it may hold locks, and index builds wait for it", t.PID, t.User, t.State, t.Database, t.Age.Round(time.Second))
	}
	for _, b := range h.Builds[:min(5, len(h.Builds))] {
		add("index %s is being built or dropped by pid %d: do not drop it", b.Index, b.PID)
	}
	if more := len(h.Builds) - 5; more > 0 {
		add("%d more indexes are being built or dropped", more)
	}
	if len(h.Invalid) > 0 {
		add("%d invalid indexes, left by a failed build: %s", len(h.Invalid), strings.Join(h.Invalid[:min(5, len(h.Invalid))], ", "))
	}
	return list
}

func (a *app) printDiagnoses(found []diagnosis) {
	servers := 0
	for _, d := range found {
		if d.Server == "" {
			fmt.Fprintln(a.out, "revisions")
			for _, p := range d.Problems {
				fmt.Fprintf(a.out, "  ! %s\n", p)
			}
			continue
		}
		servers++
		if d.Error != nil {
			fmt.Fprintf(a.out, "%s  unreachable\n  ! %s\n", d.Server, *d.Error)
			continue
		}
		h := d.health
		fmt.Fprintf(a.out, "%s  PostgreSQL %s, %s, %d of %d connections in use, %d free for skein, max_locks_per_transaction %d\n",
			d.Server, h.Version, h.Encoding, h.InUse, h.MaxConnections, h.Free, h.LocksPerTx)
		for _, p := range d.Problems {
			fmt.Fprintf(a.out, "  ! %s\n", p)
		}
		for _, u := range h.Unusual {
			fmt.Fprintf(a.out, "  ~ %s: %s = %s (%s)\n", u.Where, u.Name, u.Value, u.Note)
		}
	}
	if servers == 0 {
		fmt.Fprintln(a.out, "no servers: the tenants are SQLite files")
	}
}
