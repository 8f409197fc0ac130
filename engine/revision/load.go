package revision

import (
	"errors"
	"io/fs"
)

// Load reads all revisions below the root of fsys and links them into a graph; see [ReadAll] and [NewGraph].
// The graph is built, and its mistakes are reported, once each file can be read.
func Load(fsys fs.FS, dialect Dialect) (*Graph, error) {
	revs, err := ReadAll(fsys, dialect)
	if err != nil {
		return nil, err
	}
	return NewGraph(revs)
}

// ReadAll parses every *.sql file below the root of fsys, the extension in any letter case, in the order of their
// paths; see [Files] for what is left out. No file at all is no error. The error joins a [*FileError] for each
// mistake in each file.
func ReadAll(fsys fs.FS, dialect Dialect) ([]*Revision, error) {
	files, _, err := Files(fsys)
	var (
		revs []*Revision
		errs []*FileError
	)
	for _, file := range files {
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			errs = append(errs, &FileError{Kind: KindRead, File: file, Message: "cannot be read: " + reason(err)})
			continue
		}
		rev, mistakes := parseFile(file, text, dialect)
		revs, errs = append(revs, rev), append(errs, mistakes...)
	}
	if err != nil || len(errs) > 0 {
		return nil, errors.Join(err, join(errs))
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
