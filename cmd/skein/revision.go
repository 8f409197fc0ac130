package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/config"
	"github.com/skeindb/skein/engine/revision"
)

// draft is the revision to write, as the flags describe it.
type draft struct {
	message   string
	id        string
	label     []string
	dependsOn []string
	splice    bool
}

func (a *app) revisionCommand() *cobra.Command {
	var d draft
	var head string
	cmd := &cobra.Command{
		Use:     "revision -m MESSAGE",
		Short:   "Write a new revision file on top of the head",
		GroupID: "author",
		Args:    cobra.NoArgs,
		Example: "  skein revision -m 'add status to users'\n  skein revision -m 'start billing' --head base --branch-label billing\n  skein revision -m 'dunning' --head billing@head",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, g, err := a.authoring()
			if err != nil {
				return err
			}
			parents, err := parentsOf(g, head)
			if err != nil {
				return err
			}
			return a.write(cmd.Context(), p, g, d, parents)
		},
	}
	f := cmd.Flags()
	d.flags(cmd)
	f.StringVar(&head, "head", "head", "what the new revision revises: `TARGET`, or base for a new base")
	f.BoolVar(&d.splice, "splice", false, "allow --head to name a revision that is not a head: a new branch starts there")
	f.StringArrayVar(&d.dependsOn, "depends-on", nil, "`REVISION` or label that must be applied before; repeatable")
	return cmd
}

func (a *app) mergeCommand() *cobra.Command {
	var d draft
	cmd := &cobra.Command{
		Use:     "merge REVISION... -m MESSAGE",
		Short:   "Write a revision that joins several heads",
		GroupID: "author",
		Args:    cobra.MinimumNArgs(1),
		Example: "  skein merge heads -m 'merge billing and audit'",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, g, err := a.authoring()
			if err != nil {
				return err
			}
			var parents []string
			for _, target := range args {
				ids, err := g.Resolve(target)
				if err != nil {
					return err
				}
				parents = append(parents, ids...)
			}
			parents = slices.Compact(g.Sort(parents))
			if len(parents) < 2 {
				return &usageError{"a merge joins two revisions or more", "`skein heads` lists the heads"}
			}
			return a.write(cmd.Context(), p, g, d, parents)
		},
	}
	d.flags(cmd)
	cmd.Flags().BoolVar(&d.splice, "splice", false, "allow revisions that are not heads")
	return cmd
}

func (d *draft) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&d.message, "message", "m", "", "what the revision does, in a few words")
	f.StringVar(&d.id, "rev-id", "", "`ID` instead of a random one")
	f.StringArrayVar(&d.label, "branch-label", nil, "`LABEL` for the branch that starts here; repeatable")
}

// parentsOf resolves --head; an empty graph has no head, and its first revision is a base.
func parentsOf(g *revision.Graph, head string) ([]string, error) {
	if g.Len() == 0 && (head == "head" || head == "heads") {
		return nil, nil
	}
	ids, err := g.Resolve(head)
	if err != nil {
		return nil, err
	}
	if len(ids) > 1 {
		return nil, &usageError{
			fmt.Sprintf("--head %s names %d revisions", head, len(ids)), "name one, or join them with `skein merge`",
		}
	}
	return ids, nil
}

// write checks the draft against the graph it would make, then writes the file and prints its name.
func (a *app) write(ctx context.Context, p *config.Project, g *revision.Graph, d draft, parents []string) error {
	if d.message == "" {
		return &usageError{"a revision needs a message", "for example -m 'add status to users'"}
	}
	for _, id := range parents {
		if !isHead(g, id) && !d.splice {
			return &usageError{
				fmt.Sprintf("revision %s is not a head", id),
				"--splice starts a new branch there; without --head the new revision goes on top of the head",
			}
		}
	}
	if there := g.Get(d.id); there != nil {
		return &usageError{
			fmt.Sprintf("revision %s already exists: %s", d.id, show(filepath.Join(revisionsDir(p), filepath.FromSlash(there.File)))),
			"choose another --rev-id; without one the id is random",
		}
	}
	if d.id == "" {
		d.id = revision.NewID()
	}
	r := &revision.Revision{
		ID: d.id, Revises: parents, DependsOn: d.dependsOn, Labels: d.label, Message: d.message,
		Created: time.Now().UTC().Truncate(time.Second).Format(time.RFC3339),
		File:    revision.FileName(d.id, d.message),
	}
	r.Upgrade = revision.NewSection(revision.Up, revision.Options{}, "")
	r.Downgrade = revision.NewSection(revision.Down, revision.Options{}, "")
	text := revision.Format(r)
	parsed, err := revision.Parse(r.File, text, p.Dialect())
	if err != nil {
		return err
	}
	if _, err := revision.NewGraph(append(g.All(), parsed)); err != nil {
		return err
	}
	path := filepath.Join(revisionsDir(p), r.File)
	if err := createFile(path, text); err != nil {
		return err
	}
	if path, err := filepath.Abs(path); err != nil {
		return err
	} else if err := a.hook(ctx, p, path); err != nil {
		return err
	}
	if a.json {
		after, err := a.graph(p)
		if err != nil {
			return err
		}
		writeJSON(a.out, a.nodeOf(p, after, d.id))
		return nil
	}
	fmt.Fprintln(a.out, show(path))
	return nil
}

// createFile writes a file that must not be there yet.
func createFile(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return &usageError{fmt.Sprintf("%s already exists", show(path)), "nothing was overwritten"}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
