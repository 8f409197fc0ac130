package revision

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Ignored is a file or folder below the revisions folder that is not read, and the rule that says so.
type Ignored struct {
	Path string // slash path below the revisions folder
	Rule string // a name in kebab case, such as hidden
	Why  string // in words
	Same string // the path by which it is read, for same-file and same-folder; else ""
}

// The rules by which files are left out.
const (
	ignoreHidden     = "hidden"
	ignoreBackup     = "backup"
	ignoreNotSQL     = "not-sql"
	ignoreSameFile   = "same-file"
	ignoreSameFolder = "same-folder"
)

// deepest is how many folders may be nested: a file system that cannot compare folders could have endless ones.
const deepest = 64

// Files lists what is below the root of fsys: the files that [ReadAll] reads, ordered by path, and everything that it
// leaves out. What can neither be read nor be left out by a rule is a [*FileError]: a dangling symbolic link, a folder
// that cannot be opened, a socket, SQL under another extension.
//
// Symbolic links are followed. A file or folder that is reached twice, by [os.SameFile], is read once, under the path
// without links if there is one; so circles end.
func Files(fsys fs.FS) (files []string, ignored []Ignored, err error) {
	l := lister{fsys: fsys, seen: map[fileKey][]seenFile{}}
	l.folder(".", 0)
	for len(l.links) > 0 { // after everything that is there without links
		link := l.links[0]
		l.links = l.links[1:]
		l.follow(link)
	}
	slices.SortFunc(l.files, comparePaths)
	slices.SortFunc(l.ignored, func(a, b Ignored) int { return comparePaths(a.Path, b.Path) })
	slices.SortFunc(l.errs, func(a, b *FileError) int { return comparePaths(a.File, b.File) })
	return l.files, l.ignored, join(l.errs)
}

type lister struct {
	fsys    fs.FS
	files   []string
	ignored []Ignored
	errs    []*FileError
	links   []link
	seen    map[fileKey][]seenFile
}

type link struct {
	path  string
	depth int
}

// fileKey narrows down which files can be the same.
type fileKey struct {
	bytes, time int64
	folder      bool
}

type seenFile struct {
	path string
	info fs.FileInfo
}

// comparePaths orders by folder, then by name, as a walk does.
func comparePaths(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}

func (l *lister) fail(file string, err error) {
	l.errs = append(l.errs, &FileError{Kind: KindRead, File: file, Message: "cannot be read: " + reason(err)})
}

func (l *lister) ignore(file, rule, why string) {
	l.ignored = append(l.ignored, Ignored{Path: file, Rule: rule, Why: why})
}

// first reports whether a file or folder was not reached before, and by which path it was.
func (l *lister) first(file string, info fs.FileInfo) (earlier string, first bool) {
	key := fileKey{folder: info.IsDir()}
	if !key.folder {
		key.bytes, key.time = info.Size(), info.ModTime().UnixNano()
	}
	for _, p := range l.seen[key] {
		if os.SameFile(p.info, info) {
			return p.path, false
		}
	}
	l.seen[key] = append(l.seen[key], seenFile{file, info})
	return "", true
}

func (l *lister) folder(dir string, depth int) {
	info, err := fs.Stat(l.fsys, dir)
	if err != nil {
		l.fail(dir, err)
		return
	}
	if earlier, first := l.first(dir, info); !first {
		l.ignored = append(l.ignored, Ignored{dir, ignoreSameFolder, "it is read already, as " + earlier, earlier})
		return
	}
	entries, err := fs.ReadDir(l.fsys, dir)
	if err != nil {
		l.fail(dir, err)
		return
	}
	for _, e := range entries {
		l.entry(path.Join(dir, e.Name()), e.Type(), depth+1)
	}
}

func (l *lister) entry(file string, mode fs.FileMode, depth int) {
	name := path.Base(file)
	switch {
	case strings.HasPrefix(name, "."):
		l.ignore(file, ignoreHidden, "its name begins with a dot")
	case depth > deepest:
		l.fail(file, fmt.Errorf("more than %d folders lie within each other", deepest))
	case mode.IsDir():
		l.folder(file, depth)
	case isBackup(name):
		l.ignore(file, ignoreBackup, "its name is that of a copy which an editor or merge leaves")
	case mode&fs.ModeSymlink != 0:
		l.links = append(l.links, link{file, depth})
	case mode&fs.ModeType != 0:
		l.errs = append(l.errs, notFile(file))
	default:
		l.file(file)
	}
}

func (l *lister) follow(k link) {
	info, err := fs.Stat(l.fsys, k.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.errs = append(l.errs, &FileError{
			Kind: KindRead, File: k.path, Message: "is a symbolic link to nothing", Advice: "remove it, or restore what it points to",
		})
	case err != nil:
		l.fail(k.path, err)
	case info.IsDir():
		l.folder(k.path, k.depth)
	case info.Mode()&fs.ModeType != 0:
		l.errs = append(l.errs, notFile(k.path))
	default:
		l.file(k.path)
	}
}

func notFile(file string) *FileError {
	return &FileError{Kind: KindRead, File: file, Message: "is neither a file nor a folder", Advice: "take it out of the revisions folder"}
}

func (l *lister) file(file string) {
	switch name := path.Base(file); {
	case strings.EqualFold(path.Ext(name), ".sql"):
		if l.isFirst(file) {
			l.files = append(l.files, file)
		}
	case !l.isRevision(file):
		l.ignore(file, ignoreNotSQL, "its name does not end in .sql")
	case l.isFirst(file):
		l.errs = append(l.errs, &FileError{
			Kind: KindRead, File: file, Message: "looks like a revision and would not be read",
			Advice: "give it the extension .sql, or begin its name with a dot",
		})
	}
}

// isFirst leaves out a file that was reached before.
func (l *lister) isFirst(file string) bool {
	info, err := fs.Stat(l.fsys, file)
	if err != nil {
		l.fail(file, err)
		return false
	}
	earlier, first := l.first(file, info)
	if !first {
		l.ignored = append(l.ignored, Ignored{file, ignoreSameFile, "it is read already, as " + earlier, earlier})
	}
	return first
}

// isRevision reports whether a file without the extension .sql is SQL by its name, or a revision by its first line.
func (l *lister) isRevision(file string) bool {
	name := strings.TrimRight(strings.ToLower(path.Base(file)), " .")
	for _, end := range []string{".sql", ".psql", ".pgsql", ".ddl", ".sql.txt", ".sqlx", ".sgl"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	f, err := l.fsys.Open(file)
	if err != nil {
		return false // what cannot be opened and has another name is of no concern
	}
	defer f.Close()
	top := make([]byte, 512)
	n, _ := io.ReadFull(f, top)
	line, _, _ := strings.Cut(strings.TrimPrefix(string(top[:n]), "\uFEFF"), "\n")
	m := headerForm.FindStringSubmatch(strings.TrimRight(line, " \t\r"))
	return m != nil && m[1] == keyRevision
}

// isBackup recognises the names that editors, patch and merges give to copies.
func isBackup(name string) bool {
	if strings.HasSuffix(name, "~") || strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#") || strings.HasPrefix(name, "~$") {
		return true
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".swp", ".swo", ".swn", ".bak", ".orig", ".rej", ".tmp", ".save":
		return true
	}
	return false
}
