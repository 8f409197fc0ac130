package tenant

import "unicode/utf8"

// Glob reports whether the whole name matches the pattern: `*` stands for any number of characters,
// slashes too, `?` for exactly one; everything else, and case, is exact. It is the language of selectors
// and of include_ and exclude_ lists. The cost is at most the product of the lengths.
func Glob(pattern, name string) bool {
	// Greedy, with backtracking to the last star only: an earlier star that took more could not match anything that the
	// last one cannot.
	p, n := 0, 0
	star, mark := -1, 0
	for n < len(name) {
		_, size := utf8.DecodeRuneInString(name[n:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && pattern[p] == '?':
			p, n = p+1, n+size
		case p < len(pattern) && pattern[p] == name[n]:
			p, n = p+1, n+1
		case star >= 0:
			_, size = utf8.DecodeRuneInString(name[mark:])
			mark += size
			p, n = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
