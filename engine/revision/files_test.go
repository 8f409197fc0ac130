package revision

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// folder makes files below a new directory; a text that begins with `-> ` makes a symbolic link.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(to, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func revText(id, revises string) string {
	return "-- revision: " + id + "\n-- revises: " + revises + "\n\n-- upgrade\n"
}

func TestEveryFileIsReadOrLeftOutByARule(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"m/a_x.sql": revText("a", "none"), "m/b_x.SQL": revText("b", "a"), "m/c_x.Sql": revText("c", "b"),
		"m/README.md": "?", "m/a_x.sql~": "?", "m/a_x.sql.orig": "?", "m/.a_x.sql.swp": "?", "m/#a_x.sql#": "?", "m/.git/x.sql": "?", "m/.#a_x.sql": "-> nowhere",
		"m/billing": "-> ../shared", "shared/d_x.sql": revText("d", "c"), "shared/sub/e_x.sql": revText("e", "d"), "shared/sub/up": "-> ..", "shared/again": "-> sub",
		"m/again": "-> ../shared/sub", "m/a_link.sql": "-> a_x.sql", "m/latest": "-> b_x.SQL", "m/f_x.sql": "-> ../f.sql", "f.sql": revText("f", "e"), "m/self": "-> .",
	})
	files, ignored, err := Files(os.DirFS(filepath.Join(dir, "m")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a_x.sql", "again/e_x.sql", "b_x.SQL", "billing/d_x.sql", "c_x.Sql", "f_x.sql"}, files); diff != "" {
		t.Error(diff)
	}
	rules := map[string]string{}
	for _, i := range ignored {
		rules[i.Path] = i.Rule
		if i.Why == "" {
			t.Errorf("%s: no reason", i.Path)
		}
	}
	want := map[string]string{
		"README.md": "not-sql", "a_x.sql~": "backup", "a_x.sql.orig": "backup", ".a_x.sql.swp": "hidden", "#a_x.sql#": "backup", ".git": "hidden", ".#a_x.sql": "hidden",
		"a_link.sql": "same-file", "latest": "same-file", "self": "same-folder", "billing/again": "same-folder", "again/up": "same-folder", "billing/sub": "same-folder",
	}
	delete(want, "again/up") // the folder above, which is the one of `billing`
	for path, rule := range want {
		if rules[path] != rule {
			t.Errorf("%s: rule %q, want %q", path, rules[path], rule)
		}
	}
	revs, err := ReadAll(os.DirFS(filepath.Join(dir, "m")), Postgres)
	if err != nil || len(revs) != 6 {
		t.Errorf("%d revisions, error %v", len(revs), err)
	}
}

func TestWhatCanNeitherBeReadNorLeftOutIsAnError(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"gone.sql": "-> nowhere.sql", "billing": "-> ../nowhere", "a_x.psql": revText("a", "none"), "b_x.sql.txt": "?", "c_x.txt": revText("c", "none"), "d_x": revText("d", "none"),
		"loop": "-> loop", "e_x.sql ": revText("e", "none"),
	})
	listener, err := net.Listen("unix", filepath.Join(dir, "s.sql"))
	if err != nil {
		t.Skipf("no sockets here: %v", err)
	}
	defer listener.Close()
	_, err = ReadAll(os.DirFS(dir), Postgres)
	var got []string
	for _, fe := range fileErrors(t, err) {
		if fe.Kind != KindRead {
			t.Errorf("kind %s", fe.Kind)
		}
		got = append(got, fe.File)
	}
	if diff := cmp.Diff([]string{"a_x.psql", "b_x.sql.txt", "billing", "c_x.txt", "d_x", "e_x.sql ", "gone.sql", "loop", "s.sql"}, got); diff != "" {
		t.Errorf("%s\n%v", diff, err)
	}
}

func TestTwoFilesWithOneIDStayAnError(t *testing.T) {
	t.Parallel()
	if _, err := Load(fstest.MapFS{"a_x.sql": revFile("a", "none"), "sub/a_x.sql": revFile("a", "none")}, Postgres); err == nil {
		t.Error("a copy was taken for the same file")
	}
}
