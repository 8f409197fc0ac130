package revision

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func revFile(id, revises string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("-- revision: " + id + "\n-- revises: " + revises + "\n\n-- upgrade\n")}
}

func TestReadAllWalksSubfoldersInOrderAndLeavesOutTheRest(t *testing.T) {
	t.Parallel()
	revs, err := ReadAll(fstest.MapFS{
		"b_.sql":          revFile("b", "a"),
		"2025/a_.sql":     revFile("a", "none"),
		"2025/q1/c_x.sql": revFile("c", "b"),
		".hidden.sql":     {Data: []byte("?")},
		".git/d_.sql":     {Data: []byte("?")},
		"README.md":       {Data: []byte("?")},
		"e_.sql.orig":     {Data: []byte("?")},
		"data.sql/x.txt":  {Data: []byte("?")},
	}, Postgres)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, r := range revs {
		files = append(files, r.File)
	}
	if diff := cmp.Diff([]string{"2025/a_.sql", "2025/q1/c_x.sql", "b_.sql"}, files); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyFolderIsAnEmptyGraph(t *testing.T) {
	t.Parallel()
	g, err := Load(fstest.MapFS{}, Postgres)
	if err != nil || g.Len() != 0 {
		t.Errorf("%d revisions, error %v", g.Len(), err)
	}
}

func TestLoadTellsTheMistakesOfAllFiles(t *testing.T) {
	t.Parallel()
	_, err := Load(fstest.MapFS{
		"a_.sql":   {Data: []byte("-- revision: a\n-- revises: none\n-- upgrade\nCOMMIT;\nROLLBACK;\n")},
		"b_.sql":   revFile("b", "a"),
		"c/c_.sql": {Data: []byte("-- revision: c\n-- revises: b\n")},
	}, Postgres)
	var got []string
	for _, fe := range fileErrors(t, err) {
		got = append(got, fe.Error())
	}
	want := []string{
		"a_.sql:4:1: COMMIT cannot stand in a revision",
		"a_.sql:5:1: ROLLBACK cannot stand in a revision",
		"c/c_.sql:2:14: the file has no upgrade section",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadLinksTheGraph(t *testing.T) {
	t.Parallel()
	_, err := Load(fstest.MapFS{"a_.sql": revFile("a", "gone")}, Postgres)
	if fe, ok := errors.AsType[*FileError](err); !ok || fe.Kind != KindMissing {
		t.Errorf("error %v", err)
	}
}

// unreadable is a file system in which some files cannot be opened.
type unreadable struct {
	fs.FS
	files map[string]bool
}

func (u unreadable) Open(name string) (fs.File, error) {
	if u.files[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return u.FS.Open(name)
}

func TestUnreadableFilesAndFoldersAreErrors(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"a_.sql": revFile("a", "none"), "sub/b_.sql": revFile("b", "a"), "c_.txt": {}}
	for _, tt := range []struct {
		closed []string
		want   []string
	}{
		{[]string{"a_.sql", "c_.txt"}, []string{"a_.sql: cannot be read: permission denied"}},
		{[]string{"a_.sql", "sub"}, []string{"a_.sql: cannot be read: permission denied", "sub: cannot be read: permission denied"}},
		{[]string{"."}, []string{".: cannot be read: permission denied"}},
	} {
		fsys := unreadable{files, map[string]bool{}}
		for _, name := range tt.closed {
			fsys.files[name] = true
		}
		_, err := ReadAll(fsys, Postgres)
		var got []string
		for _, fe := range fileErrors(t, err) {
			if fe.Kind != KindRead {
				t.Errorf("kind %s", fe.Kind)
			}
			got = append(got, fe.Error())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Error(diff)
		}
	}
}
