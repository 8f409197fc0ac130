package text

import "strings"

// longestWord is the length, in characters, of the words that are compared at all.
const longestWord = 200

// Nearest returns the candidate that is most like the word: the same apart from case, or with at most a third of the
// characters of the longer one inserted, dropped, replaced or swapped with their neighbour. Of several the earlier
// candidate wins; "" if none is like it.
func Nearest(word string, candidates []string) string {
	best, least := "", longestWord
	folded := []rune(strings.ToLower(word))
	for _, candidate := range candidates {
		other := []rune(strings.ToLower(candidate))
		limit := min(least-1, max(len(folded), len(other))/3)
		if d := distance(folded, other, limit); d <= limit {
			best, least = candidate, d
		}
	}
	return best
}

// DidYouMean returns "did you mean x?" for the nearest candidate; "" if there is none.
func DidYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

// distance is the optimal string alignment distance: Levenshtein's with swaps of neighbours. Whatever lies above limit
// may be returned as limit+1.
func distance(a, b []rune, limit int) int {
	if max(len(a), len(b)) > longestWord || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
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
