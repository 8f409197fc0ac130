package text

import "strings"

// Nearest returns the candidate that is most like the word: the same but for case, or at most a third of
// its characters (and never more than two) inserted, dropped, replaced or swapped with their neighbour.
// Ties go to the earlier candidate; "" when none is like it.
func Nearest(word string, candidates []string) string {
	best, least := "", 3
	folded := []rune(strings.ToLower(word))
	for _, candidate := range candidates {
		other := []rune(strings.ToLower(candidate))
		limit := min(2, max(len(folded), len(other))/3)
		if d := distance(folded, other); d <= limit && d < least {
			best, least = candidate, d
		}
	}
	return best
}

// DidYouMean returns `did you mean "x"?` for the nearest candidate; "" when there is none.
func DidYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return `did you mean "` + near + `"?`
	}
	return ""
}

// distance is the optimal string alignment distance: Levenshtein's with swaps of neighbours.
func distance(a, b []rune) int {
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 3
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i, x := range a {
		row[0] = i + 1
		for j, y := range b {
			cost := 1
			if x == y {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x == b[j-1] && a[i-1] == y {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
