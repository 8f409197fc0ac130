package plan

import (
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine/text"
)

// waveMembers is a wave before it is decided what is done with its tenants.
type waveMembers struct {
	name   string
	gate   *GatePlan
	places []int // of its members, in the order in which they are migrated
}

// partition divides the members into waves: each is in the first wave that takes it. Those that none takes are a wave at
// the end. The result depends only on who the tenants are and, if a selector asks for it, where they stand. notes are for
// people.
func (r *Options) partition(members []Member) (shares []waveMembers, notes []string, err error) {
	h := newHashOrder(members)
	if len(r.Policy.Waves) == 0 {
		return []waveMembers{{name: "all", places: h.interleave(members, h.order)}}, nil, nil
	}
	if err := r.checkWaves(members); err != nil {
		return nil, nil, err
	}
	d := &partitioner{members: members, hashOrder: h, wave: make([]int, len(members)), names: make([]string, len(r.Policy.Waves))}
	for i := range d.wave {
		d.wave[i] = unassigned
	}
	for i := range r.Policy.Waves {
		spec := &r.Policy.Waves[i]
		d.names[i] = spec.Name
		s := waveMembers{name: spec.Name, gate: spec.Gate.plan(), places: d.assign(i, spec)}
		spec.Order.sort(s.places, members, h)
		shares = append(shares, s)
	}
	var rest []int
	for _, at := range h.order {
		if d.wave[at] == unassigned {
			rest = append(rest, at)
		}
	}
	if len(rest) > 0 {
		shares = append(shares, waveMembers{name: d.uniqueName("rest"), places: h.interleave(members, rest)})
	}
	return shares, d.notes, nil
}

// partitioner divides members into waves.
type partitioner struct {
	*hashOrder
	members []Member
	wave    []int    // of each member; unassigned = in none
	names   []string // of the waves
	notes   []string
}

const unassigned = -1

// assign gives the i-th wave the tenants that it takes, in the order of the hash.
func (d *partitioner) assign(i int, spec *WaveSpec) []int {
	matches := make([]bool, len(d.members))
	for _, at := range matching(d.members, spec.Tenants) {
		matches[at] = true
	}
	left := make([]int, 0, len(d.members))
	elsewhere := make([]int, i) // of those that match, the ones in earlier waves
	for _, at := range d.order {
		switch {
		case !matches[at]:
		case d.wave[at] == unassigned:
			left = append(left, at)
		default:
			elsewhere[d.wave[at]]++
		}
	}
	mine := left[:min(len(left), spec.Size.Of(len(d.members)))]
	for _, at := range mine {
		d.wave[at] = i
	}
	for _, note := range spec.Tenants.Unmatched(tenantsOf(d.members)) {
		d.note("wave %s: %s", spec.Name, note)
	}
	if !spec.Tenants.IsZero() { // a wave of all that are left overlaps with none
		for other, n := range elsewhere {
			if n > 0 {
				d.note("%s that wave %s also matches %s in wave %s", text.Count(n, "tenant"), spec.Name, text.Plural(n, "is", "are"), d.names[other])
			}
		}
	}
	if len(mine) == 0 {
		d.note("wave %s takes no tenant", spec.Name)
	}
	return slices.Clip(mine)
}

func (d *partitioner) note(format string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, args...))
}

// uniqueName returns a name for one more wave.
func (d *partitioner) uniqueName(name string) string {
	candidate := name
	for n := 2; slices.Contains(d.names, candidate); n++ {
		candidate = fmt.Sprintf("%s-%d", name, n)
	}
	return candidate
}

// checkWaves reports what is wrong with the waves of the policy.
func (r *Options) checkWaves(members []Member) error {
	if err := r.Policy.check(); err != nil {
		return err
	}
	for _, w := range r.Policy.Waves {
		if w.Order.sized() && !sized(members) {
			return fmt.Errorf("wave %s is in the order of size, but the sizes of the tenants are not known", w.Name)
		}
	}
	return nil
}

// only returns the wave of that name alone.
func only(shares []waveMembers, name string) ([]waveMembers, error) {
	names := make([]string, len(shares))
	for i, s := range shares {
		if s.name == name {
			return shares[i : i+1], nil
		}
		names[i] = s.name
	}
	return nil, noWave(name, names)
}

// restrict reduces members and pins to those of the shares, and gives the shares their new places.
func restrict(shares []waveMembers, members []Member, pins *pinIndex) []Member {
	var places []int
	for _, s := range shares {
		places = append(places, s.places...)
	}
	slices.Sort(places)
	to := make(map[int]int, len(places))
	left := make([]Member, len(places))
	for i, at := range places {
		to[at], left[i] = i, members[at]
	}
	for _, s := range shares {
		for i, at := range s.places {
			s.places[i] = to[at]
		}
	}
	pins.among(places)
	return left
}
