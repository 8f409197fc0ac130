package revision

import (
	"container/heap"
	"slices"
)

// graph lays the linked revisions out in graph order. There has to be no cycle.
func (b *builder) graph() *Graph {
	order := b.kahn()
	at := make([]int, len(order)) // rank by id → place in graph order
	for place, rank := range order {
		at[rank] = place
	}
	g := &Graph{nodes: make([]node, len(order))}
	for place, rank := range order {
		n := &g.nodes[place]
		n.rev = b.revs[rank]
		n.parents = moved(b.parents[rank], at)
		n.deps = moved(b.deps[rank], at)
		// Places come up in ascending order here, so the lists above a node are sorted as they grow.
		for _, p := range n.parents {
			g.nodes[p].children = append(g.nodes[p].children, place)
		}
		for _, d := range n.deps {
			if !slices.Contains(n.parents, d) {
				g.nodes[d].dependents = append(g.nodes[d].dependents, place)
			}
		}
	}
	exact := make(map[string]int, len(b.exact))
	for name, rank := range b.exact {
		exact[name] = at[rank]
	}
	g.names = names{exact: exact, sorted: b.names.sorted}
	return g
}

func moved(ranks, at []int) []int {
	places := make([]int, len(ranks))
	for n, rank := range ranks {
		places[n] = at[rank]
	}
	slices.Sort(places)
	return places
}

// kahn returns the revisions so that each comes after its parents and dependencies, of several that
// could be next the one with the smallest id. What is in a cycle, or above one, is left out.
func (b *builder) kahn() []int {
	waits := make([]int, len(b.revs))
	above := make([][]int, len(b.revs))
	ready := &minHeap{}
	for i := range b.revs {
		for _, below := range b.below(i) {
			waits[i]++
			above[below] = append(above[below], i)
		}
		if waits[i] == 0 {
			*ready = append(*ready, i) // ascending, hence a heap already
		}
	}
	order := make([]int, 0, len(b.revs))
	for ready.Len() > 0 {
		i := heap.Pop(ready).(int)
		order = append(order, i)
		for _, up := range above[i] {
			if waits[up]--; waits[up] == 0 {
				heap.Push(ready, up)
			}
		}
	}
	return order
}

// below returns what i revises and then what it depends on besides.
func (b *builder) below(i int) []int {
	below := slices.Clone(b.parents[i])
	for _, d := range b.deps[i] {
		if !slices.Contains(b.parents[i], d) {
			below = append(below, d)
		}
	}
	return below
}

type minHeap []int

func (h minHeap) Len() int           { return len(h) }
func (h minHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h minHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *minHeap) Push(x any)        { *h = append(*h, x.(int)) }
func (h *minHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
