package text

import "strconv"

// Count returns a number and its noun: "1 tenant", "60 tenants". The plural is the noun with an s.
func Count(n int, noun string) string {
	return strconv.Itoa(n) + " " + Plural(n, noun, noun+"s")
}

// Plural returns one for the number 1, else many: Plural(n, "is", "are").
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
