package revision

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Sum returns the SHA-256, in hex, of everything about the graph that decides what an upgrade does: ids,
// edges, labels, and the checksums and options of the upgrade sections. Messages, dates, file names and downgrade sections
// may change without changing it. A plan that was made under another sum is stale.
func (g *Graph) Sum() string {
	h := sha256.New()
	for i := range g.nodes {
		n := &g.nodes[i]
		own := slices.Sorted(slices.Values(n.rev.Labels))
		// %q keeps lists apart, whatever the names contain.
		fmt.Fprintf(h, "%q %q %q %q %q", n.rev.ID, g.ids(n.parents), g.ids(n.deps), own, n.rev.Checksum())
		if up := n.rev.Upgrade; up != nil && up.Options != up.Options.Runs() {
			fmt.Fprintf(h, " %q", up.Options.String())
		}
		fmt.Fprintln(h)
	}
	return hex.EncodeToString(h.Sum(nil))
}
