package revision

import (
	"fmt"
	"strings"
)

// opening is the beginning of a statement, as tokens without comments: enough to know what it does.
type opening struct {
	text   string
	tokens [16]token
	n      int
}

func openingOf(text string, dialect Dialect) opening {
	o := opening{text: text}
	lex := lexer{text: text, dialect: dialect}
	for o.n < len(o.tokens) {
		t := lex.next()
		if t.kind == tokenEnd || t.kind == tokenFault {
			break
		}
		if !t.isComment() {
			o.tokens[o.n] = t
			o.n++
		}
	}
	return o
}

func (o *opening) at(i int) string {
	if i < 0 || i >= o.n {
		return ""
	}
	return o.text[o.tokens[i].start:o.tokens[i].end]
}

// is reports whether the i-th token is one of the keywords.
func (o *opening) is(i int, keywords ...string) bool {
	if i < 0 || i >= o.n || o.tokens[i].kind != tokenWord {
		return false
	}
	for _, k := range keywords {
		if isWord(o.at(i), k) {
			return true
		}
	}
	return false
}

// begins reports whether the statement starts with the keywords.
func (o *opening) begins(keywords ...string) bool {
	for i, k := range keywords {
		if !o.is(i, k) {
			return false
		}
	}
	return true
}

// checker checks the statements of a section one after another. It sees only their text: what a function or a DO block
// does, the server has to refuse.
type checker struct {
	options    Options
	direction  Direction
	dialect    Dialect
	frame      frame
	idle       bool // nothing runs between a PRAGMA that turns foreign keys on and one that turns them off
	savepoints savepoints
	number     int       // of statements so far
	controls   []control // those among them that begin or end a transaction
	vacuum     *fault    // a pragma that acts with the next VACUUM, which has not come yet
	dump       bool      // a statement was refused that pg_dump writes
	dumps      bool      // a statement is one that only pg_dump writes
}

// newChecker returns a checker for a section with these statements; check them in their order.
func newChecker(options Options, d Direction, dialect Dialect, statements []string) *checker {
	c := &checker{options: options, direction: d, dialect: dialect, frame: frameOf(statements, dialect)}
	c.idle = dialect == SQLite && len(idleKeyPragmas(statements)) > 0
	return c
}

// statement returns why a statement is not allowed in the section; nil if it is. Both start and the offset of the fault
// count from the beginning of the text of the section.
func (c *checker) statement(text string, at int) *fault {
	f := c.objection(text, at)
	if f != nil {
		f.at += at
	}
	c.number++
	return f
}

func (c *checker) objection(text string, at int) *fault {
	o := openingOf(text, c.dialect)
	if f := strayLine(text); f != nil {
		return f
	}
	if f := transactionControl(&o); f != nil {
		c.controls = append(c.controls, control{c.number, strings.ToUpper(o.at(0)), f})
		return f
	}
	if f := c.savepoints.statement(&o, c.options, c.dialect, at); f != nil {
		return f
	}
	if c.dialect == SQLite {
		return c.sqliteObjection(&o, at)
	}
	if f := searchPathSetting(&o, c.options, c.direction); f != nil {
		c.dump = true
		c.dumps = c.dumps || dumpForm.MatchString(text)
		return f
	}
	if f := transactionSetting(&o, c.options, c.direction); f != nil {
		return f
	}
	if f := sessionSetting(&o, c.options, c.direction); f != nil {
		c.dump = c.dump || o.is(0, "SET")
		return f
	}
	if c.options.NoTransaction && isNamelessIndex(&o) {
		return &fault{message: "CREATE INDEX CONCURRENTLY without a name cannot be found again after it was cut off", advice: "give the index a name"}
	}
	if what := outsideOnly(&o); what != "" && !c.options.NoTransaction {
		return &fault{message: what + " cannot run inside a transaction", advice: markAs(c.direction)}
	}
	return nil
}

// end returns what is missing after the last statement. It also completes the advice of earlier faults.
func (c *checker) end() *fault {
	adviseControls(c.controls, c.number, c.options, c.frame)
	return c.vacuum
}

func markAs(d Direction) string {
	return fmt.Sprintf("mark the section `-- %sgrade: no-transaction`, best in a revision of its own", d)
}

// transactionControl refuses what would end or replace the transaction that body and version row share.
func transactionControl(o *opening) *fault {
	what := boundaryOf(o)
	if what == "" {
		return nil
	}
	return &fault{message: what + " cannot stand in a revision"} // for the advice, see adviseControls
}

// sessionSetting refuses settings that outlive the revision, since other tenants use the same connection.
func sessionSetting(o *opening, options Options, d Direction) *fault {
	switch {
	case o.is(0, "RESET", "DISCARD"):
		return &fault{
			message: strings.ToUpper(o.at(0)) + " cannot stand in a revision",
			advice:  "leave it out: it would undo the settings that skein made for this tenant",
		}
	case !o.is(0, "SET"):
		return nil
	case options.NoTransaction && !o.is(1, "CONSTRAINTS"):
		message := "SET without LOCAL cannot stand in a revision"
		if o.is(1, "LOCAL") {
			message = "SET LOCAL has no effect outside a transaction"
		}
		return &fault{message: message, advice: settingOutside(o, d)}
	case options.NoTransaction:
		return &fault{
			message: "SET CONSTRAINTS has no effect outside a transaction",
			advice:  "leave it out: constraints are checked at the end of each statement, as each is committed by itself",
		}
	case !o.is(1, "LOCAL", "CONSTRAINTS"):
		f := &fault{
			message: "SET without LOCAL cannot stand in a revision",
			advice:  "write SET LOCAL, which ends with the transaction; other tenants use the same connection",
		}
		if _, mechanical := local(o.text, 0); mechanical {
			f.advice = "write SET LOCAL, which ends with the transaction, or let `Fix` do it; other tenants use the same connection"
		}
		return f
	}
	return nil
}

// outsideOnly names a statement that PostgreSQL refuses inside a transaction; "" for any other.
func outsideOnly(o *opening) string {
	switch {
	case o.is(0, "VACUUM"):
		return "VACUUM"
	case o.is(0, "CREATE"):
		return createOutsideOnly(o)
	case o.begins("DROP", "INDEX", "CONCURRENTLY"):
		return "DROP INDEX CONCURRENTLY"
	case o.is(0, "DROP") && o.is(1, "DATABASE", "TABLESPACE"):
		return "DROP " + strings.ToUpper(o.at(1))
	case o.begins("ALTER", "SYSTEM"):
		return "ALTER SYSTEM"
	case o.begins("ALTER", "TABLE"):
		return detachConcurrently(o)
	case o.is(0, "REINDEX"):
		return reindexOutsideOnly(o)
	case o.is(0, "CLUSTER") && (o.n == 1 || o.n == 2 && o.is(1, "VERBOSE")):
		return "CLUSTER of all tables"
	}
	return ""
}

func createOutsideOnly(o *opening) string {
	switch {
	case o.begins("CREATE", "INDEX", "CONCURRENTLY"), o.begins("CREATE", "UNIQUE", "INDEX", "CONCURRENTLY"):
		return "CREATE INDEX CONCURRENTLY"
	case o.is(1, "DATABASE", "TABLESPACE"):
		return "CREATE " + strings.ToUpper(o.at(1))
	}
	return ""
}

// isNamelessIndex recognises CREATE [UNIQUE] INDEX CONCURRENTLY ON.
func isNamelessIndex(o *opening) bool {
	return o.begins("CREATE", "INDEX", "CONCURRENTLY", "ON") || o.begins("CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", "ON")
}

// detachConcurrently looks for DETACH PARTITION [schema.]name CONCURRENTLY.
func detachConcurrently(o *opening) string {
	for i := 2; i < o.n; i++ {
		if o.is(i, "DETACH") && o.is(i+1, "PARTITION") {
			after := i + 3
			if o.at(after) == "." {
				after += 2
			}
			if o.is(after, "CONCURRENTLY") {
				return "DETACH PARTITION … CONCURRENTLY"
			}
		}
	}
	return ""
}

// reindexOutsideOnly recognises both spellings: REINDEX (CONCURRENTLY) TABLE t, REINDEX TABLE CONCURRENTLY t.
func reindexOutsideOnly(o *opening) string {
	i, concurrently := 1, false
	if o.at(1) == "(" {
		for ; i < o.n && o.at(i) != ")"; i++ {
			if o.is(i, "CONCURRENTLY") {
				concurrently = !o.is(i+1, "FALSE", "OFF") && o.at(i+1) != "0"
			}
		}
		i++
	}
	switch {
	case concurrently || o.is(i+1, "CONCURRENTLY"):
		return "REINDEX … CONCURRENTLY"
	case o.is(i, "SCHEMA", "DATABASE", "SYSTEM"):
		return "REINDEX " + strings.ToUpper(o.at(i))
	}
	return ""
}

// copyFault refuses a COPY from or to the client, whose data would be between the statements.
func copyFault(text string, at int) *fault {
	lex := lexer{text: text, dialect: Postgres}
	depth, from, to := 0, false, false
	for t := lex.next(); t.kind != tokenEnd && t.kind != tokenFault; t = lex.next() {
		word := text[t.start:t.end]
		switch {
		case t.isComment():
			continue
		case depth == 0 && t.kind == tokenWord && from && isWord(word, "STDIN"):
			return &fault{at, "COPY … FROM STDIN cannot stand in a revision", "write the rows as INSERT … VALUES"}
		case depth == 0 && t.kind == tokenWord && to && isWord(word, "STDOUT"):
			return &fault{at, "COPY … TO STDOUT cannot stand in a revision", "leave it out: nothing reads the rows that a revision returns"}
		case word == "(":
			depth++
		case word == ")":
			depth--
		}
		from, to = t.kind == tokenWord && isWord(word, "FROM"), t.kind == tokenWord && isWord(word, "TO")
	}
	return nil
}
