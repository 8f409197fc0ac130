package revision

import (
	"fmt"
	"slices"
	"strings"
)

// findCycles reports a shortest cycle through every revision that is in one, each cycle once. Of cycles that share
// revisions, some may be reported only after others are corrected.
func (b *builder) findCycles() {
	order := b.kahn()
	if len(order) == len(b.revs) {
		return
	}
	suspect := make([]bool, len(b.revs))
	for i := range suspect {
		suspect[i] = true
	}
	for _, i := range order {
		suspect[i] = false
	}
	for i := range b.revs {
		if !suspect[i] {
			continue
		}
		cycle := b.cycleThrough(i, suspect)
		for _, j := range cycle {
			suspect[j] = false
		}
		if len(cycle) > 0 {
			b.failCycle(cycle)
		}
	}
}

// cycleThrough walks down from start, breadth first, until it is back; nil if start is only above a
// cycle. It returns each revision once, start first.
func (b *builder) cycleThrough(start int, suspect []bool) []int {
	from := map[int]int{}
	queue := []int{start}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, below := range b.below(i) {
			if below == start {
				var cycle []int
				for ; i != start; i = from[i] {
					cycle = append([]int{i}, cycle...)
				}
				return append([]int{start}, cycle...)
			}
			if _, seen := from[below]; !seen && suspect[below] {
				from[below] = i
				queue = append(queue, below)
			}
		}
	}
	return nil
}

func (b *builder) failCycle(cycle []int) {
	var path, edges, files []string
	for n, i := range cycle {
		next := cycle[(n+1)%len(cycle)]
		path = append(path, b.revs[i].ID)
		edges = append(edges, fmt.Sprintf("%s %s %s", b.revs[i].ID, b.edge(i, next), b.revs[next].ID))
		if f := b.revs[i].File; f != "" {
			files = append(files, f)
		}
	}
	path = append(path, b.revs[cycle[0]].ID)
	advice := "take one of these edges out"
	if len(files) > 0 {
		advice += ", in " + list(files)
	}
	other := ""
	if len(cycle) > 1 {
		other = where(b.revs[cycle[1]])
	}
	b.fail(b.revs[cycle[0]], KindCycle, other, advice, "cycle %s: %s", strings.Join(path, " → "), strings.Join(edges, ", "))
}

func (b *builder) edge(from, to int) string {
	if slices.Contains(b.parents[from], to) {
		return "revises"
	}
	return "depends_on"
}
