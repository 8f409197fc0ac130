package revision

import (
	"io/fs"
	"path"
	"strings"
)

// Load reads all revisions below the root of fsys and links them into a graph; see [ReadAll] and [NewGraph].
// The graph is built, and its mistakes are told, once each file can be read.
func Load(fsys fs.FS, dialect Dialect) (*Graph, error) {
	revs, err := ReadAll(fsys, dialect)
	if err != nil {
		return nil, err
	}
	return NewGraph(revs)
}

// ReadAll parses every *.sql file below the root of fsys, in the order of their paths. Files and folders whose
// names begin with a dot are left out; no file at all is no error. The error joins a [*FileError] for each
// mistake in each file.
func ReadAll(fsys fs.FS, dialect Dialect) ([]*Revision, error) {
	var (
		revs []*Revision
		errs []*FileError
	)
	unreadable := func(file string, err error) {
		errs = append(errs, &FileError{Kind: KindRead, File: file, Message: "cannot be read: " + reason(err)})
	}
	_ = fs.WalkDir(fsys, ".", func(file string, d fs.DirEntry, err error) error {
		hidden := file != "." && strings.HasPrefix(path.Base(file), ".")
		switch {
		case err != nil && hidden:
			return nil
		case err != nil:
			unreadable(file, err)
			return nil
		case hidden && d.IsDir():
			return fs.SkipDir
		case hidden, d.IsDir(), path.Ext(file) != ".sql":
			return nil
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			unreadable(file, err)
			return nil
		}
		rev, mistakes := parseFile(file, text, dialect)
		revs, errs = append(revs, rev), append(errs, mistakes...)
		return nil
	})
	if len(errs) > 0 {
		return nil, join(errs)
	}
	return revs, nil
}

// reason takes the path off an error, which FileError has already.
func reason(err error) string {
	if pe, ok := err.(*fs.PathError); ok { //nolint:errorlint // only the outermost one repeats the path
		return pe.Err.Error()
	}
	return err.Error()
}
