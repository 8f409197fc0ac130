package config

import (
	"fmt"
	"strings"
)

// didYouMean returns advice that names the known word most like the given one, the first if several are;
// without one that is near enough it names fallback, or nothing when that is "".
func didYouMean(word string, known []string, fallback string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	return fallback
}

// nearest returns the known word with the smallest distance to word, case apart: at most a third of its
// length, but two letters may always be wrong where more are right. "" when there is none.
func nearest(word string, known []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, k := range known {
		d := distance(strings.ToLower(word), strings.ToLower(k))
		if d < least && 2*d <= min(len(word), len(k)) {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's, in bytes. Words of unreasonable length are as far apart as can be.
func distance(a, b string) int {
	const most = 200
	if len(a) > most || len(b) > most {
		return most
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
