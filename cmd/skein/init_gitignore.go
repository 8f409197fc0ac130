package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stateFolder is what version control should ignore: the store lies in it unless state.store names another place.
const stateFolder = ".skein/"

// newGitignore is the .gitignore of a project that has none.
const newGitignore = "# the store of skein: rollouts and their history\n" + stateFolder + "\n"

// gitignore is the .gitignore of a new project, before it is written.
type gitignore struct {
	path    string
	exists  bool
	missing []byte // what has to be appended; nil = nothing
}

// readGitignore finds out what the .gitignore of a folder lacks. It changes nothing.
func readGitignore(dir string) (gitignore, error) {
	g := gitignore{path: filepath.Join(dir, ".gitignore"), missing: []byte(newGitignore)}
	text, err := os.ReadFile(g.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return g, nil
	case err != nil:
		return g, &usageError{fmt.Sprintf("cannot read %s: %v", show(g.path), err), "nothing was written"}
	}
	g.exists, g.missing = true, nil
	for line := range strings.Lines(string(text)) {
		switch strings.TrimSpace(line) {
		case ".skein", ".skein/", "/.skein", "/.skein/", "**/.skein", "**/.skein/":
			return g, nil
		}
	}
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		g.missing = []byte("\n")
	}
	g.missing = append(g.missing, stateFolder+"\n"...)
	return g, nil
}

// write creates the file, or appends to it what it lacks. Its content stays.
func (g gitignore) write() error {
	if !g.exists {
		return createFile(g.path, g.missing)
	}
	f, err := os.OpenFile(g.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(g.missing)
	return errors.Join(err, f.Close())
}
