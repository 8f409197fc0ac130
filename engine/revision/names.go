package revision

import (
	"maps"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/skeindb/skein/engine/text"
)

// minPrefixed is the length from which on an id or label can be named by a prefix of it. Alembic's rule:
// the prefix may be one character, but short names have to be given in full.
const minPrefixed = 4

// reserved are the words of the target grammar. An id or label of that name could never be reached.
var reserved = []string{"head", "heads", "base", "current", "none"}

var (
	idForm    = regexp.MustCompile(`^[A-Za-z0-9_]{1,32}$`)
	labelForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	stepsEnd  = regexp.MustCompile(`-[0-9]+$`) // `shop-2` reads as two below `shop`
)

// names finds revisions by id, label, or a prefix of either.
type names struct {
	exact  map[string]int // ids and labels; a label stands for the revision that introduces it
	sorted []string       // the keys of exact that a prefix may stand for
}

func newNames(exact map[string]int) names {
	n := names{exact: exact}
	for name := range exact {
		if len(name) >= minPrefixed {
			n.sorted = append(n.sorted, name)
		}
	}
	slices.Sort(n.sorted)
	return n
}

// prefixed returns the names that start with prefix, sorted.
func (n names) prefixed(prefix string) []string {
	lo := sort.SearchStrings(n.sorted, prefix)
	hi := lo
	for hi < len(n.sorted) && strings.HasPrefix(n.sorted[hi], prefix) {
		hi++
	}
	return n.sorted[lo:hi]
}

// nearest returns the known name that is most like name; "" if none is.
func (n names) nearest(name string) string {
	return text.Nearest(name, slices.Sorted(maps.Keys(n.exact)))
}

// list joins the first names for a message.
func list(names []string) string { return text.Some(names, 8) }
