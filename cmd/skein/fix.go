package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/skeindb/skein/config"
	"github.com/skeindb/skein/engine/revision"
)

// fixedPlace is one thing that `check --fix` changed, as the JSON of check has it.
type fixedPlace struct {
	File    string `json:"file"`
	Line    int    `json:"line"` // in the file as it was
	Col     int    `json:"col"`
	Message string `json:"message"`
}

// fix rewrites revision files, each whole or not at all, and says what it did. What is still wrong the check says.
func (a *app) fix(p *config.Project) ([]fixedPlace, error) {
	dir := revisionsDir(p)
	files, _, err := revision.Files(os.DirFS(dir))
	if err != nil {
		return nil, nil // loading the graph reports it
	}
	done := []fixedPlace{}
	rewritten := 0
	for _, name := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		text, err := os.ReadFile(path)
		if err != nil {
			continue // loading the graph reports it
		}
		fixed, changes := revision.Fix(name, text, p.Dialect())
		if len(changes) == 0 || bytes.Equal(fixed, text) {
			continue
		}
		if err := rewrite(path, text, fixed); err != nil {
			return done, &usageError{fmt.Sprintf("cannot rewrite %s: %v", show(path), err), "the file is unchanged; files that were rewritten before it are listed above"}
		}
		rewritten++
		for _, c := range changes {
			place := fixedPlace{filepath.ToSlash(show(path)), c.Line, c.Col, c.Message}
			done = append(done, place)
			if !a.json {
				fmt.Fprintf(a.out, "%s:%d:%d: fixed: %s\n", place.File, place.Line, place.Col, place.Message)
			}
		}
	}
	if rewritten > 0 && !a.json {
		a.note("the checksum of each rewritten section changed: a tenant that already has one of these revisions is refused (class checksum) until `skein stamp`, or one upgrade with --allow-changed")
	}
	return done, nil
}

// rewrite replaces a file that still has the text was. A symbolic link stays one.
func rewrite(path string, was, text []byte) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part.Name()))
		}
	}()
	_, err = part.Write(text)
	if err == nil {
		err = part.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err != nil {
		return err
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, was) {
		return errors.Join(err, errors.New("it changed while it was being rewritten"))
	}
	return os.Rename(part.Name(), path)
}
