package revision

import "strings"

// frame is how a section begins and ends transactions by itself, which it must not.
type frame struct {
	controls []control
	first    int // index of the first and the last statement, PRAGMA foreign_keys apart
	last     int
}

// control is a statement that begins or ends a transaction.
type control struct {
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
		if what := controls(&o); what != "" {
			f.controls = append(f.controls, control{i, what == "BEGIN" || what == "START TRANSACTION"})
		}
	}
	return f
}

// outer reports whether BEGIN and COMMIT stand around all of the section and nowhere else, so that both can be left out.
func (f frame) outer() bool {
	return len(f.controls) == 2 && f.controls[0] == control{f.first, true} && f.controls[1] == control{f.last, false}
}

// controls names a statement that would end or replace the transaction that body and version row share; "" for any
// other. Savepoints do neither.
func controls(o *opening) string {
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

// transactionControl refuses them. What to do depends on where the statement stands.
func (c *checker) transactionControl(o *opening) *fault {
	what := controls(o)
	if what == "" {
		return nil
	}
	f := &fault{message: what + " cannot stand in a revision"}
	up := string(c.direction)
	switch at := c.index; {
	case c.options.NoTransaction:
		f.advice = "each statement of a no-transaction section commits by itself: put those that belong together into a revision without no-transaction, which is one transaction, and leave " + what + " out"
	case what == "ABORT" || strings.HasPrefix(what, "ROLLBACK"):
		f.advice = "leave it out, with the statements that it takes back"
	case c.frame.outer():
		f.advice = "leave it out: skein opens and ends the transaction, so that the body and its version row are one; `skein check --fix` takes it out"
	case at > c.frame.first && at < c.frame.last && what != "PREPARE TRANSACTION":
		f.advice = "divide the section here into two revisions, without " + what + "; mark the second `-- " + up + "grade: own-transaction`, and it begins once the first is committed"
	default:
		f.advice = "leave it out: skein opens and ends the transaction, so that the body and its version row are one"
	}
	return f
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
