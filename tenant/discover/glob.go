package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// Glob finds SQLite files by a pattern for their paths, with slashes: `*` and `?` stand for characters of one name, `**`
// for any number of folders. As in a shell, a name that starts with a dot matches only a pattern that does, and `**` does
// not follow symlinks to folders (a warning names them), while other patterns do. Regular files and symlinks to them
// count, except SQLite's -wal, -shm and -journal files.
type Glob struct {
	Name    string // name of the source, else its 1-based index
	Pattern string // relative to the config's folder; required

	// ID makes the ids, of {path}, the path relative to the pattern's fixed prefix, without extension, and
	// {name}, its last element. "" = {path}.
	ID     string
	Labels map[string]string // of each tenant
}

type glob struct {
	spec     Glob
	root     string   // absolute folder: the part of the pattern before the first wildcard
	segments []string // the rest; at least one
	id       template
	labels   map[string]string
}

// NewGlob returns the source. It does not read the folder.
func NewGlob(spec Glob, env Env) (tenant.Source, error) {
	g := &glob{spec: spec, labels: setLabels(spec.Labels)}
	segments := strings.Split(filepath.ToSlash(spec.Pattern), "/")
	fixed := slices.IndexFunc(segments, func(s string) bool { return strings.ContainsAny(s, "*?") })
	if fixed < 0 {
		fixed = len(segments) - 1
	}
	prefix := strings.Join(segments[:fixed], "/")
	if strings.HasPrefix(spec.Pattern, "/") {
		prefix += "/"
	}
	g.segments = slices.DeleteFunc(slices.Clone(segments[fixed:]), func(s string) bool { return s == "" || s == "." })
	g.segments = slices.CompactFunc(g.segments, func(a, b string) bool { return a == "**" && b == "**" })
	var errs []error
	fail := func(message, advice string) {
		errs = append(errs, &tenant.Error{Source: spec.Name, Message: fmt.Sprintf("glob %q: %s", spec.Pattern, message), Advice: advice})
	}
	last := segments[len(segments)-1]
	switch {
	case spec.Pattern == "":
		fail("the pattern is empty", "")
	case last == "" || last == "." || last == "..":
		fail("the pattern names no files", `write "data/*.db"`)
	case last == "**":
		fail("** stands for folders", `write "data/**/*.db"`)
	}
	for _, s := range g.segments {
		if s == ".." {
			fail("'..' follows a wildcard", "")
		}
		if s != "**" && strings.Contains(s, "**") {
			fail("** stands alone between slashes", "")
		}
	}
	var err error
	if g.root, err = env.path(prefix); err != nil {
		errs = append(errs, named(spec.Name, cannot(err, "glob %q", spec.Pattern)))
	}
	if g.id, err = parseTemplate(cmp.Or(spec.ID, "{path}"), []string{"path", "name"}); err != nil {
		errs = append(errs, named(spec.Name, err))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return g, nil
}

func (g *glob) Name() string { return g.spec.Name }

func (g *glob) List(ctx context.Context) ([]tenant.Tenant, []string, error) {
	w := walk{ctx: ctx, found: map[string]bool{}}
	w.folder(g.root, "", g.segments)
	slices.Sort(w.warnings)
	w.warnings = slices.Compact(w.warnings)
	if err := errors.Join(w.errs...); err != nil {
		return nil, w.warnings, err
	}
	if len(w.found) == 0 {
		return nil, w.warnings, &tenant.Error{Message: fmt.Sprintf("glob %q matches no file below %s", g.spec.Pattern, g.root)}
	}
	var tenants []tenant.Tenant
	for _, path := range slices.Sorted(maps.Keys(w.found)) {
		tenants = append(tenants, g.tenant(path))
	}
	return tenants, w.warnings, nil
}

// tenant returns the tenant of a file, given by its slash path below the root.
func (g *glob) tenant(path string) tenant.Tenant {
	file := filepath.Join(g.root, filepath.FromSlash(path))
	name := path[strings.LastIndexByte(path, '/')+1:]
	extension := filepath.Ext(name)
	if extension == name {
		extension = "" // .db is a name, not an extension
	}
	id := g.id.expand(func(placeholder string) string {
		if placeholder == "name" {
			return strings.TrimSuffix(name, extension)
		}
		return strings.TrimSuffix(path, extension)
	})
	return tenant.Tenant{
		ID: id, Source: g.spec.Name, Labels: g.labels,
		Location: engine.Location{Dialect: revision.SQLite, File: file},
	}
}

// walk collects the files below a folder that match.
type walk struct {
	ctx      context.Context
	found    map[string]bool // slash paths below the root; a set, since a pattern with several ** finds a file more than once
	warnings []string
	errs     []error
}

// folder looks for the segments in a folder, given by its path and its slash path below the root.
func (w *walk) folder(path, below string, segments []string) {
	if err := w.ctx.Err(); err != nil {
		if len(w.errs) == 0 {
			w.errs = append(w.errs, err)
		}
		return
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		w.errs = append(w.errs, &tenant.Error{Message: err.Error(), Err: err})
		return
	}
	if segments[0] == "**" {
		w.anyDepth(path, below, segments, entries)
		return
	}
	for _, entry := range entries {
		if !matchName(segments[0], entry.Name()) {
			continue
		}
		w.entry(path, below, segments[1:], entry)
	}
}

// anyDepth looks for what follows a ** here and in all folders below.
func (w *walk) anyDepth(path, below string, segments []string, entries []fs.DirEntry) {
	rest := segments[1:]
	for _, entry := range entries {
		if matchName(rest[0], entry.Name()) {
			w.entry(path, below, rest[1:], entry)
		}
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		next := filepath.Join(path, entry.Name())
		switch {
		case entry.IsDir():
			w.folder(next, below+entry.Name()+"/", segments)
		case entry.Type()&fs.ModeSymlink != 0:
			if info, err := os.Stat(next); err == nil && info.IsDir() {
				w.warnings = append(w.warnings, fmt.Sprintf("%s is a symlink to a folder, which ** does not enter", next))
			}
		}
	}
}

// entry handles a name that matches its segment: a file at the end of the pattern, a folder before it.
func (w *walk) entry(path, below string, rest []string, entry fs.DirEntry) {
	next := filepath.Join(path, entry.Name())
	mode := entry.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := os.Stat(next)
		if err != nil {
			w.errs = append(w.errs, &tenant.Error{Message: err.Error(), Advice: "correct or remove the symlink", Err: err})
			return
		}
		mode = info.Mode()
	}
	switch {
	case len(rest) > 0 && mode.IsDir():
		w.folder(next, below+entry.Name()+"/", rest)
	case len(rest) == 0 && mode.IsRegular() && !companion(entry.Name()):
		w.found[below+entry.Name()] = true
	}
}

// matchName compares one name with one segment.
func matchName(segment, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(segment, ".") {
		return false
	}
	return tenant.Glob(segment, name)
}

// companion reports whether the file is one that SQLite keeps beside a database.
func companion(name string) bool {
	return strings.HasSuffix(name, "-wal") || strings.HasSuffix(name, "-shm") || strings.HasSuffix(name, "-journal")
}
