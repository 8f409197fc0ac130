package skeintest

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Project is a folder with skein.yaml and migrations/, and the environment that commands in it see.
type Project struct {
	t   testing.TB
	Dir string
	Env []string // NAME=value, besides that of the test; SKEIN_ variables of the test are left out
}

// New makes a project in a temporary folder. revisions may be nil; its *.sql files are copied to migrations/.
func New(t testing.TB, config string, revisions fs.FS) *Project {
	t.Helper()
	p := &Project{t: t, Dir: t.TempDir()}
	p.Write("skein.yaml", config)
	if err := os.MkdirAll(p.Path("migrations"), 0o750); err != nil {
		t.Fatal(err)
	}
	if revisions == nil {
		return p
	}
	names, err := fs.Glob(revisions, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("no revisions: %v", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(revisions, name)
		if err != nil {
			t.Fatal(err)
		}
		p.Write("migrations/"+name, string(text))
	}
	return p
}

// Path is a path below the project.
func (p *Project) Path(name string) string { return filepath.Join(p.Dir, filepath.FromSlash(name)) }

// Write writes a file, and the folders above it.
func (p *Project) Write(name, text string) {
	p.t.Helper()
	path := p.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// Remove removes a file.
func (p *Project) Remove(name string) {
	p.t.Helper()
	if err := os.Remove(p.Path(name)); err != nil {
		p.t.Fatal(err)
	}
}
