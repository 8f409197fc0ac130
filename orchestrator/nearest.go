package orchestrator

import "strings"

// nearest returns the name most like the given one, the first if several are: at most two letters, and at most
// a third of them, inserted, dropped or replaced, case apart. "" when none is like it.
func nearest(name string, names []string) string {
	best, least := "", 3
	word := []rune(strings.ToLower(name))
	for _, candidate := range names {
		other := []rune(strings.ToLower(candidate))
		if d := distance(word, other); d < least && d <= max(len(word), len(other))/3 {
			best, least = candidate, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
