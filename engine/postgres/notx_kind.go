package postgres

import (
	"slices"
	"strings"
)

// A statement of a no-transaction section that can run in a transaction shares one with its line in the journal, so that the
// journal is always right about it. Any other statement runs alone, and one that was cut off is found again by what it makes.

// noTxKind says how a statement of a no-transaction section runs and how it is resumed.
type noTxKind uint8

const (
	inTx        noTxKind = iota // in a transaction together with its line in the journal
	createIndex                 // CREATE INDEX CONCURRENTLY: done where the index exists and is valid
	dropIndex                   // DROP INDEX CONCURRENTLY: done where the index does not exist
	repeatable                  // VACUUM, ANALYZE, REINDEX, CLUSTER: run again
	opaque                      // CALL, DO with COMMIT, DETACH … CONCURRENTLY: only the operator can find out
)

// noTxStatement is what the words of a statement say about it.
type noTxStatement struct {
	kind         noTxKind
	concurrently bool   // waits for other transactions: a lock_timeout would leave an invalid index behind
	index        string // as written, for createIndex and dropIndex: possibly schema-qualified and quoted
	table        string // as written, for createIndex
	lenient      bool   // IF NOT EXISTS, IF EXISTS
	commits      bool   // CALL, DO: it may end transactions itself; where it does not, it can run in one
}

// recognise reads the words of a statement.
func recognise(text string) noTxStatement {
	t := &tokens{text: text}
	s := noTxStatement{kind: inTx}
	switch t.word() {
	case "CREATE":
		t.accept("UNIQUE")
		if t.accept("INDEX") && t.accept("CONCURRENTLY") {
			s.kind, s.concurrently = createIndex, true
			s.lenient = t.accept("IF") && t.accept("NOT") && t.accept("EXISTS")
			if !t.accept("ON") {
				s.index = t.name()
				t.accept("ON")
			}
			t.accept("ONLY")
			s.table = t.name()
		} else if slices.Contains([]string{"DATABASE", "TABLESPACE", "SUBSCRIPTION"}, t.last) {
			s.kind = opaque
		}
	case "DROP":
		if t.accept("INDEX") && t.accept("CONCURRENTLY") {
			s.kind, s.concurrently = dropIndex, true
			s.lenient = t.accept("IF") && t.accept("EXISTS")
			s.index = t.name()
		} else if slices.Contains([]string{"DATABASE", "TABLESPACE", "SUBSCRIPTION"}, t.last) {
			s.kind = opaque
		}
	case "REINDEX":
		s.kind, s.concurrently = repeatable, t.has("CONCURRENTLY")
	case "VACUUM", "ANALYZE", "CLUSTER", "CHECKPOINT":
		s.kind = repeatable
	case "ALTER":
		switch {
		case t.has("DETACH") && t.has("CONCURRENTLY"):
			s.kind, s.concurrently = opaque, true
		case t.accept("SYSTEM"), t.accept("SUBSCRIPTION"):
			s.kind = repeatable
		}
	case "CALL":
		s.kind, s.commits = opaque, true
	case "DO": // without COMMIT it can run in a transaction
		if t.has("COMMIT") || t.has("CALL") || t.has("ROLLBACK") {
			s.kind, s.commits = opaque, true
		}
	}
	return s
}

// tokens reads words and names, skipping white space and comments.
type tokens struct {
	text string
	last string // what the last accept saw, in upper case
}

func (t *tokens) skip() {
	for {
		t.text = strings.TrimLeft(t.text, " \t\r\n\f\v")
		switch {
		case strings.HasPrefix(t.text, "--"):
			_, t.text, _ = strings.Cut(t.text, "\n")
		case strings.HasPrefix(t.text, "/*"):
			t.text = t.text[commentEnd(t.text):]
		default:
			return
		}
	}
}

// commentEnd returns the length of the block comment at the beginning of text; they nest.
func commentEnd(text string) int {
	depth := 0
	for i := 0; i+1 < len(text); i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			i++
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// word takes the next word and returns it in upper case; "" when there is none.
func (t *tokens) word() string {
	t.skip()
	word := firstWord(t.text)
	t.text = t.text[len(word):]
	return word
}

// accept takes the next word if it is the wanted one.
func (t *tokens) accept(want string) bool {
	t.skip()
	t.last = firstWord(t.text)
	if t.last != want {
		return false
	}
	t.text = t.text[len(want):]
	return true
}

// has reports whether the rest contains a word, also inside literals and comments.
func (t *tokens) has(want string) bool {
	return slices.Contains(strings.FieldsFunc(strings.ToUpper(t.text), func(r rune) bool { return r < 'A' || r > 'Z' }), want)
}

// name takes a name as it is written: a, "A b", a."b".
func (t *tokens) name() string {
	t.skip()
	end := 0
	for end < len(t.text) {
		switch c := t.text[end]; {
		case c == '"':
			end++
			for end < len(t.text) && t.text[end] != '"' {
				end++
			}
			end++
		case c == '.' || c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			end++
		default:
			return t.take(end)
		}
	}
	return t.take(min(end, len(t.text)))
}

func (t *tokens) take(n int) string {
	name := t.text[:n]
	t.text = t.text[n:]
	return name
}
