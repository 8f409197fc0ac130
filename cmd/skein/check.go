package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/config"
	"github.com/skeindb/skein/engine/revision"
)

func (a *app) checkCommand() *cobra.Command {
	fix := false
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check config and revisions without a database, for CI",
		Long: "Check config and revisions without a database: every file, the graph they form, the number of heads that\n" +
			"revisions.heads allows, and statements that reach outside the tenant. Exit code 1 when something cannot be\n" +
			"read, 4 when a finding is an error; warnings do not change it. -v also lists the files that are not read.\n" +
			"--fix first rewrites what other tools put into their files: it removes BEGIN and COMMIT around a whole section\n" +
			"and a PRAGMA foreign_keys without effect, and turns SET into SET LOCAL. It prints each change.",
		GroupID: "author",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.project(config.Options{Offline: true})
			if err != nil {
				return err
			}
			ignored := a.ignored(p)
			if a.verbose && !a.json {
				for _, i := range ignored {
					a.note("%s is not read: %s (%s)", i.Path, i.Why, i.Rule)
				}
			}
			var fixed []fixedPlace
			if fix {
				if fixed, err = a.fix(p); err != nil {
					return err
				}
			}
			g, err := a.graph(p)
			if err != nil {
				if a.json { // the one document is the error
					for _, f := range fixed {
						a.note("%s:%d:%d: fixed: %s", f.File, f.Line, f.Col, f.Message)
					}
				}
				return err
			}
			return a.showCheck(p, g, ignored, fixed)
		},
	}
	cmd.Flags().BoolVar(&fix, "fix", false, "rewrite what other tools put into the files")
	return cmd
}

// lintFinding is a finding as the JSON of check has it.
type lintFinding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"` // error or warning
	Revision string `json:"revision"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Col      int    `json:"col"`
	Message  string `json:"message"`
	Hint     string `json:"hint"`
}

// ignoredFile is a file of the revisions folder that is not read, as the JSON of check has it.
type ignoredFile struct {
	Path string `json:"path"`
	Rule string `json:"rule"`
	Why  string `json:"why"`
}

// ignored lists what is not read; mistakes in that are those of the graph.
func (a *app) ignored(p *config.Project) []ignoredFile {
	dir := revisionsDir(p)
	_, found, _ := revision.Files(os.DirFS(dir))
	files := []ignoredFile{}
	seen := func(path string) string { return filepath.ToSlash(show(filepath.Join(dir, filepath.FromSlash(path)))) }
	for _, i := range found {
		if i.Same != "" {
			i.Why = "already read as " + seen(i.Same)
		}
		files = append(files, ignoredFile{seen(i.Path), i.Rule, i.Why})
	}
	return files
}

// validProject is `config check --json`, and the first part of `check --json`.
type validProject struct {
	Fleet     string   `json:"fleet"`
	Revisions int      `json:"revisions"` // their number
	Heads     []string `json:"heads"`
}

// checkResult is `check --json`.
type checkResult struct {
	validProject
	Findings []string      `json:"findings"` // sentences about the graph
	Lint     []lintFinding `json:"lint"`
	Ignored  []ignoredFile `json:"ignored"`
	Fixed    []fixedPlace  `json:"fixed,omitzero"` // only with --fix
}

// showCheck draws what was found. fixed is nil where nothing was to be fixed.
func (a *app) showCheck(p *config.Project, g *revision.Graph, ignored []ignoredFile, fixed []fixedPlace) error {
	heads := g.Heads()
	findings := []string{}
	if p.Revisions.Heads == config.Single && len(heads) > 1 {
		findings = append(findings, fmt.Sprintf("the graph has %d heads (%s) and revisions.heads is single: join them with `skein merge heads -m MESSAGE`", len(heads), orBase(heads)))
	}
	lint, bad := a.lint(p, g)
	if a.json {
		writeJSON(a.out, checkResult{validProject{p.Fleet, g.Len(), list(heads)}, findings, lint, ignored, fixed})
	} else {
		for _, f := range findings {
			fmt.Fprintln(a.out, f)
		}
		for _, f := range lint {
			fmt.Fprintf(a.out, "%s:%d:%d: %s: %s (%s)\n", f.File, f.Line, f.Col, f.Severity, f.Message, f.Rule)
			if f.Hint != "" {
				fmt.Fprintf(a.out, "  %s\n", f.Hint)
			}
		}
		if len(findings) == 0 && !bad {
			a.note("%s and %s: all good, head %s", show(p.Path), view.Count(g.Len(), "revision"), orBase(heads))
		}
	}
	if len(findings) > 0 || bad {
		return exitCode(exitDifference)
	}
	return nil
}

// lint returns the findings of all revisions in graph order, and whether any is an error.
func (a *app) lint(p *config.Project, g *revision.Graph) (found []lintFinding, bad bool) {
	found = []lintFinding{}
	scope := p.Scope()
	for _, r := range g.All() {
		file := filepath.ToSlash(show(filepath.Join(revisionsDir(p), filepath.FromSlash(r.File))))
		for _, f := range revision.Lint(r, scope) {
			severity := "warning"
			if f.Error {
				severity, bad = "error", true
			}
			found = append(found, lintFinding{f.Rule, severity, f.Revision, file, f.Line, max(f.Col, 1), f.Message, view.Commands(f.Advice)})
		}
	}
	return found, bad
}
