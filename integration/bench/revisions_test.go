package bench

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/shop"
)

// history is the shop's ten revisions and n small ones after them, each of which adds a column to a table.
func history(t testing.TB, dialect revision.Dialect, n int) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	old := shop.FS(dialect)
	names, err := fs.Glob(old, "*.sql")
	if err != nil || len(names) != 10 {
		t.Fatalf("the shop has %d revisions: %v", len(names), err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(old, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	for k := 1; k <= n; k++ {
		before := "s10"
		if k > 1 {
			before = small(k - 1)
		}
		text := fmt.Sprintf("-- revision: %s\n-- revises: %s\n-- message: a note\n\n-- upgrade\n%s;\n\n-- downgrade\n", small(k), before, smallBody(k))
		files[small(k)+"_note.sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// small is the id of a small revision.
func small(k int) string { return fmt.Sprintf("x%02d", k) }

func smallBody(k int) string { return fmt.Sprintf("ALTER TABLE orders ADD COLUMN note%d text", k) }

func load(t testing.TB, files fs.FS, dialect revision.Dialect) *revision.Graph {
	t.Helper()
	g, err := revision.Load(files, dialect)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// bodies are the statements of the shop's ten revisions, in order.
func bodies(t testing.TB, dialect revision.Dialect) [][]string {
	t.Helper()
	var all [][]string
	for _, r := range load(t, history(t, dialect, 0), dialect).All() {
		var texts []string
		for _, s := range r.Upgrade.Statements {
			texts = append(texts, s.Text)
		}
		all = append(all, texts)
	}
	return all
}
