package engine

import (
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/revision"
)

// writingWord returns the part of a query that writes, as far as its text shows: INSERT, UPDATE, DELETE or MERGE in or after a
// WITH or an EXPLAIN ANALYZE, SELECT INTO, a clause that locks rows, nextval and setval; "" where there is none. PostgreSQL
// refuses all of these in a read-only transaction, and SQLite those that it has.
func writingWord(text string, dialect revision.Dialect) string {
	tokens, _ := revision.TokensOf(text, dialect)
	for i, t := range tokens {
		tokens[i] = strings.ToUpper(t)
	}
	if len(tokens) > 0 && tokens[0] == "EXPLAIN" {
		if dialect == revision.SQLite {
			return "" // EXPLAIN does not run the query
		}
		if tokens = analyzed(tokens); len(tokens) > 0 && verb(tokens[0]) {
			return tokens[0]
		}
	}
	depth, main := 0, len(tokens) == 0 || tokens[0] != "WITH"
	for i, t := range tokens {
		last := before(tokens, i, 1)
		switch {
		case t == "(":
			depth++
		case t == ")":
			depth--
		case verb(t) && last == "(" && (before(tokens, i, 2) == "AS" || before(tokens, i, 2) == "MATERIALIZED"):
			return t
		case !main && depth == 0 && last == ")" && t != "AS" && t != ",":
			if main = true; verb(t) {
				return t
			}
		case dialect == revision.SQLite:
		case t == "INTO":
			return "SELECT INTO"
		case t == "FOR":
			if what := locking(tokens[i+1:]); what != "" {
				return what
			}
		case (t == "NEXTVAL" || t == "SETVAL") && i+1 < len(tokens) && tokens[i+1] == "(" &&
			(last != "." || before(tokens, i, 2) == "PG_CATALOG"):
			return strings.ToLower(t) + "()"
		}
	}
	return ""
}

// before returns the token n places before the one at i; "" where there is none.
func before(tokens []string, i, n int) string {
	if i < n {
		return ""
	}
	return tokens[i-n]
}

// verb reports whether a statement that begins with the word changes rows.
func verb(word string) bool {
	return slices.Contains([]string{"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"}, word)
}

// analyzed returns the statement that an EXPLAIN runs: none without ANALYZE.
func analyzed(tokens []string) []string {
	tokens = tokens[1:]
	runs := false
	for len(tokens) > 0 && (tokens[0] == "ANALYZE" || tokens[0] == "ANALYSE" || tokens[0] == "VERBOSE") {
		runs = runs || tokens[0] != "VERBOSE"
		tokens = tokens[1:]
	}
	if end := slices.Index(tokens, ")"); len(tokens) > 1 && tokens[0] == "(" && end > 0 && !slices.Contains([]string{"SELECT", "WITH", "VALUES", "TABLE", "("}, tokens[1]) {
		options := strings.Join(tokens[:end], " ")
		runs = strings.Contains(options, "ANALY") && !strings.Contains(options, "ANALYZE OFF") && !strings.Contains(options, "ANALYZE FALSE") && !strings.Contains(options, "ANALYZE 0")
		tokens = tokens[end+1:]
	}
	if !runs {
		return nil
	}
	return tokens
}

// locking returns the clause that locks rows, given the tokens after FOR; "" for another clause.
func locking(rest []string) string {
	text := strings.Join(rest[:min(3, len(rest))], " ") + " "
	for _, strength := range []string{"UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE"} {
		if strings.HasPrefix(text, strength+" ") {
			return "FOR " + strength
		}
	}
	return ""
}
