package gate

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/skeindb/skein/orchestrator"
)

// likeAnswers are those that say the same.
type likeAnswers struct {
	verdict orchestrator.Verdict
	text    string
	names   []string
}

// worstFirst orders failures before what says nothing, and then by how many there are.
func worstFirst(a, b *likeAnswers) int {
	failed := func(g *likeAnswers) int {
		if g.verdict == orchestrator.Fail {
			return 0
		}
		return 1
	}
	return cmp.Or(failed(a)-failed(b), len(b.names)-len(a.names))
}

// tell makes a line: "7 of 60 tenants: got 0, want > 0: t_1, t_2 …; 1: no row: t_9".
func tell(groups []*likeAnswers, of string) string {
	var parts []string
	for i, g := range groups[:min(len(groups), groupsShown)] {
		of := " of " + of
		if i > 0 {
			of = ""
		}
		parts = append(parts, fmt.Sprintf("%d%s: %s: %s", len(g.names), of, g.text, names(g.names)))
	}
	rest := 0
	for _, g := range groups[len(parts):] {
		rest += len(g.names)
	}
	if rest > 0 {
		parts = append(parts, fmt.Sprintf("%d otherwise", rest))
	}
	return strings.Join(parts, "; ")
}
