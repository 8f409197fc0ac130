package revision

import "strings"

// frame is how a section begins and ends transactions by itself, which it must not.
type frame struct {
	controls []boundary
	first    int // index of the first and the last statement, PRAGMA foreign_keys apart
	last     int
}

// boundary is a statement that begins or ends a transaction.
type boundary struct {
	index  int // among the section's statements
	begins bool
}

// frameOf looks at the statements of a section.
func frameOf(statements []string, dialect Dialect) frame {
	f := frame{first: -1, last: -1}
	for i, text := range statements {
		o := openingOf(text, dialect)
		if isForeignKeysPragma(&o, dialect) {
			continue
		}
		if f.first < 0 {
			f.first = i
		}
		f.last = i
		if what := boundaryOf(&o); what != "" {
			f.controls = append(f.controls, boundary{i, what == "BEGIN" || what == "START TRANSACTION"})
		}
	}
	return f
}

// outer reports whether BEGIN and COMMIT stand around all of the section and nowhere else, so that both can be left out.
func (f frame) outer() bool {
	return len(f.controls) == 2 && f.controls[0] == boundary{f.first, true} && f.controls[1] == boundary{f.last, false}
}

// boundaryOf names a statement that would end or replace the transaction that body and version row share; "" for any
// other. Savepoints do neither.
func boundaryOf(o *opening) string {
	switch {
	case o.is(0, "BEGIN", "COMMIT", "END", "ABORT"):
		return strings.ToUpper(o.at(0))
	case o.begins("START", "TRANSACTION"), o.begins("PREPARE", "TRANSACTION"):
		return strings.ToUpper(o.at(0)) + " TRANSACTION"
	case o.begins("ROLLBACK") && !o.is(1, "TO") && !(o.is(1, "WORK", "TRANSACTION") && o.is(2, "TO")):
		return "ROLLBACK"
	}
	return ""
}

// isForeignKeysPragma reports whether a statement is PRAGMA foreign_keys, in any form.
func isForeignKeysPragma(o *opening, dialect Dialect) bool {
	if dialect != SQLite || !o.is(0, "PRAGMA") {
		return false
	}
	name := o.at(1)
	if o.at(2) == "." {
		name = o.at(3)
	}
	return strings.EqualFold(strings.Trim(name, "\"`[]'"), "foreign_keys")
}

// turnsOn reports whether a PRAGMA foreign_keys sets something, and whether it turns them on.
func turnsOn(o *opening) (sets, on bool) {
	i := 2
	if o.at(2) == "." {
		i = 4
	}
	if o.at(i) != "=" && o.at(i) != "(" {
		return false, false
	}
	switch strings.ToLower(strings.Trim(o.at(i+1), `'"`)) {
	case "1", "on", "yes", "true":
		return true, true
	}
	return true, false
}
