package plan

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// byLabel begins an Order by a label; the rest is the label's name.
const byLabel = "label:"

// known reports whether the order exists.
func (o Order) known() bool {
	key, labelled := strings.CutPrefix(string(o), byLabel)
	return o == OrderByHash || o == OrderSmallFirst || o == OrderLargeFirst || labelled && key != ""
}

// sized reports whether the order needs the sizes of the tenants.
func (o Order) sized() bool { return o == OrderSmallFirst || o == OrderLargeFirst }

// sort puts the members of one wave, given by their places in the order of the hash, into the order in which they
// are migrated. Those whose key is not known come last; equal ones keep the order of the hash.
func (o Order) sort(places []int, members []Member, h *hashOrder) {
	key, labelled := strings.CutPrefix(string(o), byLabel)
	switch {
	case labelled:
		slices.SortStableFunc(places, func(a, b int) int {
			x, y := members[a].Tenant.Labels[key], members[b].Tenant.Labels[key]
			return cmp.Or(compareBool(x == "", y == ""), natural(x, y))
		})
	case o == OrderSmallFirst:
		slices.SortStableFunc(places, func(a, b int) int {
			return cmp.Compare(known(members[a].Size, math.MaxInt64), known(members[b].Size, math.MaxInt64))
		})
	case o == OrderLargeFirst:
		slices.SortStableFunc(places, func(a, b int) int {
			return cmp.Compare(known(members[b].Size, -1), known(members[a].Size, -1))
		})
	default:
		copy(places, h.interleave(members, places))
	}
}

// known replaces a size that is not known.
func known(size, otherwise int64) int64 {
	if size <= 0 {
		return otherwise
	}
	return size
}

// natural compares texts as people sort them: runs of digits by their value, so that ring-2 comes before
// ring-10, and all else byte by byte. Texts that differ only in leading zeros compare by their bytes.
func natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		n, m := digits(x), digits(y)
		if n == 0 || m == 0 {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		v, w := strings.TrimLeft(x[:n], "0"), strings.TrimLeft(y[:m], "0")
		if c := cmp.Or(cmp.Compare(len(v), len(w)), cmp.Compare(v, w)); c != 0 {
			return c
		}
		x, y = x[n:], y[m:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// digits is the number of decimal digits at the beginning of a text.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
