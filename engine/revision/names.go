package revision

import (
	"regexp"
	"slices"
	"sort"
	"strings"
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

// names finds revisions by what people call them: ids, labels, and prefixes of both.
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

// nearest returns the known name that is most like name, the first by its text if several are; "" when
// none is near enough to be what was meant.
func (n names) nearest(name string) string {
	best, distance := "", 1+len(name)/3
	for known := range n.exact {
		d := editDistance(name, known, distance)
		if d < distance || d == distance && best != "" && known < best {
			best, distance = known, d
		}
	}
	return best
}

// editDistance is Levenshtein's, in bytes; anything above limit is as good as limit+1.
func editDistance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// list joins names for a message and cuts what nobody reads to the end.
func list(names []string) string {
	const most = 8
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + ", …"
}
