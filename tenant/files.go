package tenant

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// files finds SQLite files that have two names: through symlinks, through `.` and `..`, and through case
// where the file system ignores it. Hard links are not looked for: SQLite corrupts such
// files (sqlite.org/howtocorrupt.html §2.5).
type files struct {
	folders map[string]string // a folder as written → resolved
	seen    map[string][]file // by resolved path, folded; several only where case tells files apart
}

type file struct {
	path  string // resolved
	owner *Tenant
}

func newFiles() *files {
	return &files{folders: map[string]string{}, seen: map[string][]file{}}
}

// add returns the tenant that already has the same file; nil if there is none.
func (f *files) add(t *Tenant) *Tenant {
	path := f.resolve(t.Location.File)
	key := strings.ToLower(path)
	for _, other := range f.seen[key] {
		if sameFile(path, other.path) {
			return other.owner
		}
	}
	f.seen[key] = append(f.seen[key], file{path, t})
	return nil
}

// resolve returns the path without symlinks. What does not exist is resolved as far as it does: a file
// may be missing and still be listed twice.
func (f *files) resolve(path string) string {
	path = filepath.Clean(path)
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&os.ModeSymlink != 0 {
		if resolved, err := filepath.EvalSymlinks(path); err == nil {
			return resolved
		}
	}
	return filepath.Join(f.resolveFolder(filepath.Dir(path)), filepath.Base(path))
}

// resolveFolder caches its results: 10,000 tenants share a few folders.
func (f *files) resolveFolder(folder string) string {
	if resolved, ok := f.folders[folder]; ok {
		return resolved
	}
	resolved, err := filepath.EvalSymlinks(folder)
	if err != nil {
		resolved = folder
		if parent := filepath.Dir(folder); parent != folder {
			resolved = filepath.Join(f.resolveFolder(parent), filepath.Base(folder))
		}
	}
	f.folders[folder] = resolved
	return resolved
}

// sameFile compares resolved paths that differ at most in case.
func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX != nil || errY != nil {
		// What a missing file's name will mean depends on the file system; this is the default of these systems.
		return runtime.GOOS == "windows" || runtime.GOOS == "darwin"
	}
	return os.SameFile(x, y)
}
