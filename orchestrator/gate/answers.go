package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/orchestrator/plan"
)

// likeAnswers are those that say the same.
type likeAnswers struct {
	verdict  plan.Verdict
	text     string
	redacted string // text without values of rows
	names    []string
}

// withoutValues are the answers by their texts without values of rows.
func withoutValues(groups []*likeAnswers) []*likeAnswers {
	var merged []*likeAnswers
	for _, g := range groups {
		i := slices.IndexFunc(merged, func(m *likeAnswers) bool { return m.text == g.redacted })
		if i < 0 {
			i, merged = len(merged), append(merged, &likeAnswers{verdict: g.verdict, text: g.redacted})
		}
		merged[i].names = append(merged[i].names, g.names...)
	}
	slices.SortStableFunc(merged, worstFirst)
	return merged
}

// worstFirst orders failures before what says nothing, and then by how many there are.
func worstFirst(a, b *likeAnswers) int {
	failed := func(g *likeAnswers) int {
		if g.verdict == plan.VerdictFail {
			return 0
		}
		return 1
	}
	return cmp.Or(failed(a)-failed(b), len(b.names)-len(a.names))
}

// describe makes a line: "7 of 60 tenants: got 0, want > 0: t_1, t_2 …; 1: no row: t_9".
func describe(groups []*likeAnswers, of string) string { return line(groups, of, true) }

// describeCounts is describe without names: "7 of 60 samples: got 0, want > 0".
func describeCounts(groups []*likeAnswers, of string) string { return line(groups, of, false) }

func line(groups []*likeAnswers, of string, named bool) string {
	var parts []string
	for i, g := range groups[:min(len(groups), groupsShown)] {
		of := " of " + of
		if i > 0 {
			of = ""
		}
		part := fmt.Sprintf("%d%s: %s", len(g.names), of, g.text)
		if named {
			part += ": " + firstNames(g.names)
		}
		parts = append(parts, part)
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
