package revision_test

import (
	"fmt"
	"testing"

	"github.com/skeindb/skein/engine/revision"
)

// large returns n revisions: a long line with a side branch that is merged back every 20, and some
// dependencies.
func large(n int) []*revision.Revision {
	id := func(i int) string { return fmt.Sprintf("%012x", i*2654435761%(1<<47)) }
	revs := make([]*revision.Revision, n)
	for i := range revs {
		r := &revision.Revision{ID: id(i)}
		switch {
		case i == 0:
		case i%20 == 1 && i > 1:
			r.Revises = []string{id(i - 2)} // a fork
		case i%20 == 2 && i > 2:
			r.Revises = []string{id(i - 2), id(i - 1)}
		default:
			r.Revises = []string{id(i - 1)}
		}
		if i%50 == 49 {
			r.DependsOn = []string{id(i - 40)}
		}
		revs[i] = r
	}
	return revs
}

func BenchmarkNewGraph5000(b *testing.B) {
	revs := large(5000)
	for b.Loop() {
		mustGraph(b, revs...)
	}
}

func BenchmarkPath5000(b *testing.B) {
	g := mustGraph(b, large(5000)...)
	half := g.All()[2500].ID
	for b.Loop() {
		if _, err := g.Path(revision.Up, []string{half}, "heads"); err != nil {
			b.Fatal(err)
		}
	}
}
