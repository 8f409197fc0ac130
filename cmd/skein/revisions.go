package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/skeindb/skein/config"
	"github.com/skeindb/skein/engine/revision"
)

// graph loads the project's revisions. Errors name files as the user sees them, below the config's folder.
func (a *app) graph(p *config.Project) (*revision.Graph, error) {
	dir := revisionsDir(p)
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return nil, &usageError{
			fmt.Sprintf("the revisions folder %s does not exist", show(dir)),
			"`skein init` creates one; or set revisions.dir in " + show(p.Path),
		}
	}
	g, err := revision.Load(os.DirFS(dir), p.Dialect())
	if err != nil {
		for _, e := range all(err) {
			var at *revision.FileError
			if errors.As(e, &at) && at.File != "" {
				at.File = show(filepath.Join(dir, filepath.FromSlash(at.File)))
			}
		}
		return nil, err
	}
	return g, nil
}

// revisionsDir is the folder of the revision files, seen from here.
func revisionsDir(p *config.Project) string { return p.Revisions.Dir }

// show shortens a path to what the user would type from here.
func show(path string) string {
	if !filepath.IsAbs(path) {
		return path
	}
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(here, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return path
	}
	return rel
}

// node is a revision as the JSON of show, heads, branches and history has it.
type node struct {
	Revision  string   `json:"revision"`
	Revises   []string `json:"revises"`
	DependsOn []string `json:"depends_on"`
	Labels    []string `json:"labels"`
	Message   string   `json:"message"`
	File      string   `json:"file"`
}

func (a *app) nodeOf(p *config.Project, g *revision.Graph, id string) node {
	r := g.Get(id)
	return node{
		Revision:  r.ID,
		Revises:   list(g.Sort(r.Revises)),
		DependsOn: list(g.DependsOn(id)),
		Labels:    list(r.Labels),
		Message:   r.Message,
		File:      filepath.ToSlash(show(filepath.Join(revisionsDir(p), filepath.FromSlash(r.File)))),
	}
}

func (a *app) nodes(p *config.Project, g *revision.Graph, ids []string) []node {
	out := make([]node, 0, len(ids))
	for _, id := range ids {
		out = append(out, a.nodeOf(p, g, id))
	}
	return out
}

// list makes sure that an array in JSON is never null.
func list(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}

// line is a revision in one line, in Alembic's form: what it revises, itself, what it is, its message.
func line(g *revision.Graph, id string) string {
	r := g.Get(id)
	from := "<base>"
	if len(r.Revises) > 0 {
		from = strings.Join(g.Sort(r.Revises), ", ")
	}
	return fmt.Sprintf("%s -> %s%s, %s", from, id, traits(g, id), orNone(r.Message))
}

// traits are the words in brackets behind an id.
func traits(g *revision.Graph, id string) string {
	r := g.Get(id)
	var b strings.Builder
	if deps := g.DependsOn(id); len(deps) > 0 {
		fmt.Fprintf(&b, " (depends on %s)", strings.Join(deps, ", "))
	}
	if len(r.Labels) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(r.Labels, ", "))
	}
	if isHead(g, id) {
		b.WriteString(" (head)")
	}
	if len(g.Children(id)) > 1 {
		b.WriteString(" (branchpoint)")
	}
	if len(r.Revises) > 1 {
		b.WriteString(" (mergepoint)")
	}
	return b.String()
}

func isHead(g *revision.Graph, id string) bool { return len(g.Children(id)) == 0 }

func orNone(s string) string {
	if s == "" {
		return "(no message)"
	}
	return s
}
