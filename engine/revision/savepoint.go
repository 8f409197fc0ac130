package revision

import (
	"fmt"
	"slices"
	"strings"
)

// savepoints follows the savepoints of one section. They do not reach across sections: where a chain of revisions
// begins, and so what an earlier one left open, differs from tenant to tenant.
//
// In both databases RELEASE closes the innermost savepoint of that name and those opened after it, and ROLLBACK TO
// closes only those opened after it.
type savepoints struct {
	open []openSavepoint
}

type openSavepoint struct {
	name string
	at   int // offset of the statement
}

func (s *savepoints) statement(o *opening, options Options, dialect Dialect, at int) *fault {
	i, verb := 1, strings.ToUpper(o.at(0))
	switch {
	case o.is(0, "SAVEPOINT"):
		if options.NoTransaction {
			return &fault{
				message: "SAVEPOINT needs a transaction, and this section has none",
				advice:  "leave it out, or take no-transaction from the section's marker",
			}
		}
		s.open = append(s.open, openSavepoint{savepointName(o, 1, dialect), at})
		return nil
	case o.is(0, "RELEASE"):
	case o.is(0, "ROLLBACK"):
		if o.is(i, "WORK", "TRANSACTION") {
			i++
		}
		i++ // TO, without which transactionControl refuses the statement
		verb = "ROLLBACK TO"
	default:
		return nil
	}
	if o.is(i, "SAVEPOINT") && i+1 < o.n {
		i++
	}
	name := savepointName(o, i, dialect)
	found := -1
	for n, sp := range slices.Backward(s.open) {
		if sp.name == name {
			found = n
			break
		}
	}
	switch {
	case found < 0:
		return &fault{
			message: fmt.Sprintf("%s %s: this section has no open savepoint of that name", verb, o.at(i)),
			advice:  "open it by SAVEPOINT in the same section; savepoints do not reach from one revision into the next",
		}
	case verb == "RELEASE":
		s.open = s.open[:found]
	default:
		s.open = s.open[:found+1]
	}
	return nil
}

// savepointName reads a name as the database compares it.
func savepointName(o *opening, i int, dialect Dialect) string {
	if i >= o.n {
		return ""
	}
	text := o.at(i)
	if dialect == SQLite && o.tokens[i].kind == tokenString {
		return strings.ToLower(strings.ReplaceAll(text[1:len(text)-1], "''", "'"))
	}
	if t := o.tokens[i]; t.kind == tokenWord || t.kind == tokenQuotedName {
		c := identCollector{dialect: dialect, dynamic: map[string]bool{}}
		return c.name(t, text)
	}
	return text
}
