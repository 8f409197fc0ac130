package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// realPath is the path of a file without symbolic links, so that all who share a store name it alike. Unlike
// [filepath.EvalSymlinks] it also follows links to what is not there yet.
func realPath(path string) (string, error) {
	const most = 40 // links one after another, as the kernel has it
	for range most {
		real, err := filepath.EvalSymlinks(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return real, err
		}
		dir := filepath.Dir(path)
		if dir == path {
			return path, nil
		}
		if dir, err = realPath(dir); err != nil {
			return "", err
		}
		path = filepath.Join(dir, filepath.Base(path))
		target, err := os.Readlink(path)
		if err != nil { // it is no link, or not there
			return path, nil
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return "", &fs.PathError{Op: "resolve", Path: path, Err: errors.New("too many symbolic links")}
}
