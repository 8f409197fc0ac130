package plan

import (
	"maps"
	"slices"

	"github.com/skeindb/skein/tenant"
)

// databasesAtOnce is how many databases of a server have running tenants at a time. More would spread no better, and
// almost every tenant would need a new connection, which costs more than most revisions: a connection belongs to one
// database.
const databasesAtOnce = 8

// hashOrder is the order of tenants by the SHA-256 of their ids: see [tenant.HashOrder].
type hashOrder struct {
	order []int // places of members
	rank  []int // of each member the place in order
}

func newHashOrder(members []Member) *hashOrder {
	h := &hashOrder{
		order: tenant.HashOrder(len(members), func(i int) string { return members[i].Tenant.ID }),
		rank:  make([]int, len(members)),
	}
	for rank, at := range h.order {
		h.rank[at] = rank
	}
	return h
}

// interleave returns the order in which some of the members, at the given places, are migrated: servers in turn;
// of each server a few databases in turn; in each database by the hash. The order depends only on the tenants.
func (h *hashOrder) interleave(members []Member, places []int) []int {
	type database struct{ server, name string }
	byDatabase := map[database][]int{}
	for _, at := range places {
		l := &members[at].Tenant.Location
		d := database{l.Server, l.Database}
		byDatabase[d] = append(byDatabase[d], at)
	}
	byRank := func(a, b int) int { return h.rank[a] - h.rank[b] }
	servers := map[string][][]int{}
	for d, of := range byDatabase {
		slices.SortFunc(of, byRank)
		servers[d.server] = append(servers[d.server], of)
	}
	lines := make([][]int, 0, len(servers))
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		databases := servers[name]
		slices.SortFunc(databases, func(a, b []int) int { return byRank(a[0], b[0]) }) // by their first tenants: databases have no better order
		lines = append(lines, roundRobin(databases, databasesAtOnce))
	}
	return roundRobin(lines, len(lines))
}

// roundRobin takes from the first width lists in turn; when one ends the next takes its place.
func roundRobin(lists [][]int, width int) []int {
	n := 0
	for _, l := range lists {
		n += len(l)
	}
	braided := make([]int, 0, n)
	active := slices.Clone(lists[:min(width, len(lists))])
	waiting := lists[len(active):]
	for len(active) > 0 {
		for i := 0; i < len(active); {
			braided = append(braided, active[i][0])
			active[i] = active[i][1:]
			switch {
			case len(active[i]) > 0:
				i++
			case len(waiting) > 0:
				active[i], waiting = waiting[0], waiting[1:]
				i++
			default:
				active = slices.Delete(active, i, i+1)
			}
		}
	}
	return braided
}
