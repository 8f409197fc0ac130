package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
)

// savePlan writes a plan to a file, whole or not at all: what was there before stays until the new one is complete.
// Its error names the file, and not the one that is written at first.
func savePlan(file string, p *plan.Plan) error {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return &usageError{fmt.Sprintf("cannot write the plan to %s: it is a folder", show(file)), "name a file in it"}
	}
	err := replace(file, p)
	var at *fs.PathError
	var moved *os.LinkError
	var why string
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return &usageError{fmt.Sprintf("cannot write the plan to %s: folder %s does not exist", show(file), show(filepath.Dir(file))), "create the folder first"}
	case errors.As(err, &at):
		why = at.Err.Error()
	case errors.As(err, &moved):
		why = moved.Err.Error()
	default:
		why = err.Error()
	}
	return &usageError{fmt.Sprintf("cannot write the plan to %s: %s", show(file), why), ""}
}

// replace writes a plan next to the file, and puts it in its place.
func replace(file string, p *plan.Plan) (err error) {
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part.Name()))
		}
	}()
	err = plan.Write(part, p)
	if err == nil {
		err = part.Chmod(0o644) // others review it; there are no secrets in it
	}
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), file)
}

// readPlan reads the file of a plan, which must be for the fleet and of the kind.
func readPlan(file, fleet string, kind plan.Kind) (*plan.Plan, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, &usageError{err.Error(), "`skein plan -o FILE` writes one"}
	}
	defer in.Close()
	p, err := plan.Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", show(file), err)
	}
	switch {
	case p.Fleet != fleet:
		return nil, &usageError{fmt.Sprintf("the plan in %s is for fleet %s, not %s", show(file), p.Fleet, fleet), ""}
	case p.Kind != kind:
		return nil, &usageError{fmt.Sprintf("the plan in %s is for a %s", show(file), p.Kind), ""}
	}
	return p, nil
}

// changedPlan says which file it is whose plan no longer holds.
func changedPlan(err error, flags *changeFlags) error {
	changed, ok := errors.AsType[*orchestrator.ChangedError](err)
	if !ok {
		return err
	}
	file := show(flags.file)
	return &usageError{
		fmt.Sprintf("the plan in %s no longer holds:\n%s", file, strings.Join(changed.Differences, "\n")),
		fmt.Sprintf("nothing was changed; write a new plan with `skein plan -o %s` and review it", file),
	}
}
