package orchestrator

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"

	"github.com/skeindb/skein/tenant"
)

// abreast is how many databases of a server are worked on at a time. More would spread no better, and
// would cost a new connection for almost every tenant, which is dearer than most revisions: a connection
// belongs to one database.
const abreast = 8

// spread returns the order in which tenants are taken up: servers in turn; of each server a few databases
// in turn; in each database by the SHA-256 of the id. The order depends on nothing but who the tenants are.
func spread(tenants []tenant.Tenant) []int {
	type database struct{ server, name string }
	members := map[database][]int{}
	for i, t := range tenants {
		d := database{t.Target.Server, t.Target.Database}
		members[d] = append(members[d], i)
	}
	hashes := make([][sha256.Size]byte, len(tenants))
	for i, t := range tenants {
		hashes[i] = sha256.Sum256([]byte(t.ID))
	}
	servers := map[string][][]int{}
	for d, of := range members {
		slices.SortFunc(of, func(a, b int) int {
			return cmp.Or(bytes.Compare(hashes[a][:], hashes[b][:]), a-b)
		})
		servers[d.server] = append(servers[d.server], of)
	}
	lines := make([][]int, 0, len(servers))
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		databases := servers[name]
		slices.SortFunc(databases, func(a, b []int) int { // by the first tenants, for databases have no better order
			return bytes.Compare(hashes[a[0]][:], hashes[b[0]][:])
		})
		lines = append(lines, braid(databases, abreast))
	}
	return braid(lines, len(lines))
}

// braid takes from the first width lists in turn; where one ends the next takes its place.
func braid(lists [][]int, width int) []int {
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
